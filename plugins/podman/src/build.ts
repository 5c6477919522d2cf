/** Builds one image: makes its grounds present, sends the context, follows what Podman says, checks what comes out. */
import { mountsFiles, renderDockerfile } from '@rebake/image';
import type { Digest } from '@rebake/image';
import { candidateName, checkBelow, failure, parseName } from '@rebake/sdk/building';
import type { Built, Ctx, Job } from '@rebake/sdk';
import { idOf } from './answers.ts';
import { buildFailure } from './build-failure.ts';
import { BuildLog } from './build-log.ts';
import { sendContext } from './context.ts';
import type { SentContext } from './context.ts';
import { present } from './grounds.ts';
import { parametersOf, secretsOf } from './parameters.ts';
import type { Podman } from './podman.ts';
import { cancelled } from './cancel.ts';

/** Builds the job's image and gives it its candidate name. */
export async function build(podman: Podman, job: Job, ctx: Ctx): Promise<Built> {
  const { id: engineId } = await podman.info(ctx.signal);
  const parent = job.parent && (await present(podman, job.parent, ctx));
  const froms: Record<string, string> = {};
  for (const [reference, output] of Object.entries(job.froms))
    froms[reference] = idOf((await present(podman, output, ctx)).id);
  // By id: what a name means may change, and would get into the history of the image.
  const rendered = renderDockerfile(job.spec, { parent: parent && idOf(parent.id), froms });
  const context = sendContext(rendered, await secretsOf(job.access, rendered.dockerfile, ctx));

  const identity = await run(podman, job, context, rendered.dockerfile, ctx);
  const built = await podman.image(identity, ctx.signal);
  if (!built) throw failure('IMAGE_MISSING', 'backoff', `Podman built ${identity}, and has it no more`);
  checkBelow(parent, built);
  // Only now: under its key, nobody may ever find an image that was not checked.
  const name = candidateName(job.key);
  await podman.tag(identity, parseName(name), ctx.signal);
  return { identity, at: [{ engine: engineId, name }] };
}

async function run(podman: Podman, job: Job, context: SentContext, dockerfile: string, ctx: Ctx): Promise<Digest> {
  const { version, platform: native } = await podman.info(ctx.signal);
  const log = new BuildLog(ctx.emit.bind(ctx));
  const parameters = parametersOf(job, { context, native, fresh: mountsFiles(job.spec) });
  let error: string | undefined;
  ctx.signal.throwIfAborted();
  try {
    await cancelled(podman, context, parameters.mark, ctx.signal, (signal) =>
      podman.build(parameters.query, context.body, signal, (line) => {
        error ??= line.error;
        // What happens while it is being ended is nobody's any more.
        if (line.stream !== undefined && !ctx.signal.aborted) log.take(line.stream);
      }),
    );
  } catch (reason) {
    ctx.signal.throwIfAborted();
    // The context that was given up is why Podman refused it.
    throw context.fault() ?? reason;
  }
  const image = log.end();
  ctx.signal.throwIfAborted();
  if (context.fault() !== undefined) throw context.fault();
  if (error !== undefined) throw buildFailure(error, { log, dockerfile, version, host: podman.shown });
  // Also how some versions end when they lose track of a failure.
  if (!image) throw failure('ENGINE_LOST', 'backoff', `${podman.shown} ended the build without a word about it`);
  return image;
}
