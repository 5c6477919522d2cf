/** Builds one image with the engine's BuildKit: renders the Dockerfile, serves what it asks for, checks what comes out. */
import { renderDockerfile } from '@rebake/image';
import { digestOf, digestOfBytes } from '@rebake/image';
import type { Credentials, Digest, Location, Output, RenderedDockerfile } from '@rebake/image';
import type { BuildAccess, Ctx, Job } from '@rebake/sdk';
import { BuildProgress } from './buildkit/progress.ts';
import { startSession } from './buildkit/session.ts';
import type { Offer } from './buildkit/session.ts';
import { solve } from './buildkit/solve.ts';
import type { Build } from './buildkit/solve.ts';
import { buildFailure } from './build-failure.ts';
import type { Engine } from './engine.ts';
import type { EngineImage } from './engine-answers.ts';
import { engineFailure, failure } from './failures.ts';
import { candidateName, parseName, pullReference } from './names.ts';

/** Every file of a context gets this time, so that it says nothing about the machine: 2 January 1980, which zip archives can hold in every time zone. */
const FILE_TIME = 315_619_200;

/** Builds the job's image and gives it its candidate name. */
export async function build(engine: Engine, job: Job, ctx: Ctx): Promise<Output> {
  const { id: engineId } = await engine.info(ctx.signal);
  const parent = job.parent && fromReference(job.parent, engineId);
  const froms = Object.fromEntries(
    Object.entries(job.froms).map(([reference, output]) => [reference, fromReference(output, engineId).text]),
  );
  const rendered = renderDockerfile(job.spec, { parent: parent?.text ?? null, froms });
  const below = job.parent && parent ? await parentImage(engine, job.parent, parent.local, ctx.signal) : null;

  const identity = await run(engine, job, offerOf(rendered, job.access, ctx), ctx);
  const built = await engine.inspect(identity, ctx.signal);
  if (!built) throw failure('IMAGE_MISSING', 'backoff', `the engine built ${identity}, and has it no more`);
  checkBelow(below, built);
  // Only now: under its key, nobody may ever find an image that was not checked.
  const name = candidateName(job.key);
  await engine.tag(identity, parseName(name), ctx.signal);
  return { identity, at: [{ engine: engineId, name }] };
}

interface From {
  readonly text: string;
  /** Whether it names an image of this engine. */
  readonly local: boolean;
}

/** What a FROM line says: a name in this engine, else a place in a registry by digest. */
function fromReference(image: Output, engineId: string): From {
  const here = image.at.find(
    (at): at is Extract<Location, { engine: string }> => 'engine' in at && at.engine === engineId,
  );
  if (here) {
    const { repository, tag } = parseName(here.name);
    return { text: `${repository}:${tag}`, local: true };
  }
  for (const at of image.at) {
    if ('registry' in at) return { text: pullReference(at), local: false };
  }
  throw failure('PARENT_MISSING', 'never', `${image.identity} is neither in this engine nor in a registry`);
}

/**
 * The parent as the engine has it, so that its layers can be looked for in what is built. One in this engine has to be there under its name:
 * BuildKit would go and look for it elsewhere. One from a registry is pinned by digest, and known here only if it was pulled before.
 */
async function parentImage(
  engine: Engine,
  parent: Output,
  local: boolean,
  signal: AbortSignal,
): Promise<EngineImage | null> {
  if (!local) return engine.inspect(parent.identity, signal);
  const { id: engineId } = await engine.info(signal);
  const { text } = fromReference(parent, engineId);
  const found = await engine.inspect(text, signal);
  if (found?.id === parent.identity) return found;
  const words = found ? `${text} is ${found.id} by now, not ${parent.identity}` : `the engine has no ${text} any more`;
  throw failure('PARENT_MISSING', 'never', `${words}; plan again`);
}

/** Throws if an image does not begin with the layers of its parent, where that is known. */
export function checkBelow(parent: EngineImage | null, built: EngineImage): void {
  if (!parent || parent.layers.every((layer, index) => built.layers[index] === layer)) return;
  throw failure(
    'PARENT_NOT_BELOW',
    'never',
    `${built.id} does not begin with the layers of ${parent.id}, from which it was to be built`,
  );
}

function offerOf({ dockerfile, dockerignore, files }: RenderedDockerfile, access: BuildAccess, ctx: Ctx): Offer {
  const texts = { Dockerfile: dockerfile, 'Dockerfile.dockerignore': dockerignore };
  return {
    locals: {
      context: { files, modified: () => FILE_TIME },
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

/** Runs the build in a session of its own; returns the image's id. */
async function run(engine: Engine, job: Job, offer: Offer, ctx: Ctx): Promise<Digest> {
  const progress = new BuildProgress(ctx.emit.bind(ctx));
  ctx.signal.throwIfAborted();
  const session = await startSession(engine.openSession, offer).catch((error: unknown) => {
    throw engineFailure(error, engine.shown);
  });
  try {
    const answer = await solve(engine.buildkit, buildOf(job, session.id), ctx.signal, (status) =>
      progress.take(status),
    );
    return idOf(answer);
  } catch (error) {
    ctx.signal.throwIfAborted();
    progress.end();
    throw buildFailure(error, { fault: session.fault(), progress, host: engine.shown });
  } finally {
    session.close();
  }
}

function idOf(answer: Readonly<Record<string, string>>): Digest {
  const id = answer['containerimage.config.digest'] ?? answer['containerimage.digest'];
  if (!id || !/^sha256:[0-9a-f]{64}$/.test(id))
    throw failure('ENGINE_ANSWER_INVALID', 'never', 'the engine built an image without saying its id');
  return id as Digest;
}

function buildOf({ access, platform }: Job, session: string): Build {
  const attributes: Record<string, string> = {
    filename: 'Dockerfile',
    platform,
    // An image of this engine goes before one of the same name elsewhere.
    'image-resolve-mode': 'local',
  };
  if (access.network !== 'default') attributes['force-network-mode'] = access.network;
  // The frontend knows these arguments: they are set in each RUN, and get into no image and into no cache key.
  const { http, https, no } = access.proxy ?? {};
  for (const [name, value] of Object.entries({ HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: no })) {
    if (value === undefined) continue;
    attributes[`build-arg:${name}`] = value;
    attributes[`build-arg:${name.toLowerCase()}`] = value;
  }
  return {
    session,
    frontend: 'dockerfile.v0',
    attributes,
    exporter: 'moby',
    exporterAttributes: {},
    entitlements: access.network === 'host' ? ['network.host'] : [],
  };
}
