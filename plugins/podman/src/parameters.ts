/** A job in the words of libpod's build: parameters, and the secrets that go with it. */
import { randomUUID } from 'node:crypto';
import type { Platform } from '@rebake/image';
import { failure } from '@rebake/sdk/building';
import type { BuildAccess, Ctx, Job } from '@rebake/sdk';
import type { SentContext, SentSecret } from './context.ts';

/** What a build is asked for with. */
export interface Parameters {
  readonly query: Readonly<Record<string, string | number | boolean>>;
  /** A text by which the processes of this build can be told from all others; see `stop-steps.ts`. */
  readonly mark: string;
}

/** What parameters depend on, besides the job. */
export interface Setting {
  readonly context: Pick<SentContext, 'dockerfile' | 'secrets'>;
  /** The platform of the machine: it need not be asked for. */
  readonly native: Platform;
  /** Nothing that Podman remembers of earlier builds may be taken. */
  readonly fresh: boolean;
}

/** Parameters of a build. */
export function parametersOf(
  { access, platform }: Pick<Job, 'access' | 'platform'>,
  { context, native, fresh }: Setting,
): Parameters {
  const mark = `rebake-${randomUUID()}.invalid`;
  const { networkmode, nsoptions } = networkOf(access.network);
  return {
    mark,
    query: {
      dockerfile: context.dockerfile,
      // Also keeps a .dockerignore among the files from choosing among them again: it is looked for only if nothing is excluded.
      excludes: JSON.stringify([context.dockerfile]),
      outputformat: 'application/vnd.oci.image.manifest.v1+json',
      layers: true,
      nocache: fresh,
      // Nothing is left of steps, whether they fail or not.
      rm: true,
      forcerm: true,
      // A label with the version of the builder would make other images of other versions.
      identitylabel: false,
      pullpolicy: 'never',
      ...(platform === native ? {} : { platform }),
      networkmode,
      nsoptions: JSON.stringify(nsoptions),
      buildargs: JSON.stringify(proxiesOf(access, mark)),
      // A host that nobody asks for, in the /etc/hosts of steps; those are no part of the image.
      extrahosts: JSON.stringify([`${mark}:127.0.0.1`]),
      ...(context.secrets.length > 0 ? { secrets: JSON.stringify(context.secrets) } : {}),
    },
  };
}

/** Podman gives these to each RUN, and writes them down nowhere. Steps without a network have no /etc/hosts, and use for the mark what they have no use for. */
function proxiesOf({ proxy = {}, network }: BuildAccess, mark: string): Readonly<Record<string, string>> {
  const { http, https, no } = proxy;
  const both = {
    HTTP_PROXY: http,
    http_proxy: http,
    HTTPS_PROXY: https,
    https_proxy: https,
    NO_PROXY: no,
    no_proxy: no,
  };
  const given = Object.entries(network === 'none' ? { ...both, NO_PROXY: mark } : both);
  return Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Without a word about namespaces, the API (other than the command) takes the host's network. */
function networkOf(network: BuildAccess['network']) {
  const option = (Host: boolean) => [{ Name: 'network', Host }];
  switch (network) {
    case 'default':
      return { networkmode: 0, nsoptions: option(false) };
    case 'none':
      return { networkmode: 1, nsoptions: option(false) };
    case 'host':
      return { networkmode: 2, nsoptions: option(true) };
    default:
      return network satisfies never;
  }
}

/** The secrets that a Dockerfile speaks of, and that there are. */
export async function secretsOf(access: BuildAccess, dockerfile: string, ctx: Ctx): Promise<SentSecret[]> {
  const secrets: SentSecret[] = [];
  for (const [id, ref] of Object.entries(access.secrets)) {
    // What the parameter would read something else from.
    if (!/^[A-Za-z0-9_.-]{1,128}$/.test(id))
      throw failure('SPEC_INVALID', 'never', `${JSON.stringify(id)} cannot be the id of a secret`);
    if (!isMounted(id, dockerfile)) continue;
    const bytes = await ctx.secret(ref);
    if (bytes) secrets.push({ id, bytes });
  }
  return secrets;
}

function isMounted(id: string, dockerfile: string): boolean {
  return dockerfile.split('--mount=').some((mount, index) => {
    const options = /^\S*/.exec(mount)?.[0].replaceAll(/["']/g, '').split(',') ?? [];
    return index > 0 && options.includes('type=secret') && options.includes(`id=${id}`);
  });
}
