/** Builds one image with the engine's BuildKit: renders the Dockerfile, serves what it asks for, checks what comes out. */
import {
  BuildProgress,
  buildFailure,
  entitlementsOf,
  frontendAttributes,
  offerOf,
  solve,
  startSession,
} from '@rebake/buildkit';
import type { Build, Offer } from '@rebake/buildkit';
import { renderDockerfile } from '@rebake/image';
import type { Digest, Output } from '@rebake/image';
import { candidateName, checkBelow, engineFailure, failure, fromReference, parseName } from '@rebake/sdk/building';
import type { Ctx, Job } from '@rebake/sdk';
import type { Engine } from './engine.ts';
import type { EngineImage } from './engine-answers.ts';

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

function buildOf(job: Job, session: string): Build {
  return {
    session,
    frontend: 'dockerfile.v0',
    // An image of this engine goes before one of the same name elsewhere.
    attributes: { ...frontendAttributes(job), 'image-resolve-mode': 'local' },
    exporter: 'moby',
    exporterAttributes: {},
    entitlements: entitlementsOf(job.access),
  };
}
