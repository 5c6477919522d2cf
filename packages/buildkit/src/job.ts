/** A job in BuildKit's words: what a session offers for it, and what the Dockerfile frontend is told. */
import { CONTEXT_FILE_TIME, digestOf, digestOfBytes } from '@rebake/image';
import type { Credentials, RenderedDockerfile } from '@rebake/image';
import type { BuildAccess, Ctx, Job } from '@rebake/sdk';
import type { Offer } from './session.ts';

/** What a session offers for a build: the context, its Dockerfile, secrets and logins. */
export function offerOf({ dockerfile, dockerignore, files }: RenderedDockerfile, access: BuildAccess, ctx: Ctx): Offer {
  const texts = { Dockerfile: dockerfile, 'Dockerfile.dockerignore': dockerignore };
  return {
    locals: {
      context: { files, isShared: true, modified: () => CONTEXT_FILE_TIME },
      dockerfile: {
        files: Object.entries(texts).map(([path, text]) => ({ path, text, digest: digestOfBytes(text), exec: false })),
        // The receiver tells files apart by size and time, so that the time has to follow the contents; it gets into no image.
        modified: ({ digest }) => Number.parseInt(digest.slice('sha256:'.length, 'sha256:'.length + 8), 16),
      },
    },
    // The same files are sent once, and other files never meet them, however alike they look.
    sharedKey: digestOf(files.map(({ path, digest: content, exec }) => [path, content, exec])),
    secret: async (id) => {
      // Not every name that a Dockerfile can ask for is an own property.
      const ref = Object.hasOwn(access.secrets, id) ? access.secrets[id] : undefined;
      return ref ? ctx.secret(ref) : null;
    },
    credentials: async (host) => loginOf(await ctx.credentials(host)),
  };
}

function loginOf(login: Credentials | null): { username: string; secret: string } | null {
  if (!login) return null;
  return 'identityToken' in login
    ? { username: '', secret: login.identityToken }
    : { username: login.username, secret: login.password };
}

/** Attributes of the frontend `dockerfile.v0` for a job, whoever solves it. */
export function frontendAttributes({ access, platform }: Pick<Job, 'access' | 'platform'>): Record<string, string> {
  const attributes: Record<string, string> = { filename: 'Dockerfile', platform };
  if (access.network !== 'default') attributes['force-network-mode'] = access.network;
  // The frontend knows these arguments: they are set in each RUN, and get into no image and into no cache key.
  const { http, https, no } = access.proxy ?? {};
  for (const [name, value] of Object.entries({ HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: no })) {
    if (value === undefined) continue;
    attributes[`build-arg:${name}`] = value;
    attributes[`build-arg:${name.toLowerCase()}`] = value;
  }
  return attributes;
}

/** What the daemon has to allow for a job. */
export function entitlementsOf({ network }: BuildAccess): readonly string[] {
  return network === 'host' ? ['network.host'] : [];
}
