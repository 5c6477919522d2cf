/** Builds one image: on a daemon that suits it, out of the store and into it, and under its name only when it was checked. */
import { randomBytes } from 'node:crypto';
import { BuildProgress, createTokenFetcher, offerOf, runBuild } from '@rebake/buildkit';
import { isDigest, renderDockerfile } from '@rebake/image';
import type { Digest, RenderedDockerfile } from '@rebake/image';
import type { Built, Ctx, Job } from '@rebake/sdk';
import { candidateName, checkBelow, failure } from '@rebake/sdk/building';
import type { Held, Registries } from '@rebake/sdk/building';
import { cacheOf } from './cache.ts';
import type { JobCache } from './cache.ts';
import type { Endpoint } from './endpoint.ts';
import type { Fleet } from './fleet.ts';
import type { BuildkitSettings } from './options.ts';
import { requestOf } from './request.ts';
import type { Names } from './names.ts';
import type { Ground, Store } from './store/store.ts';

/** What a builder builds with. */
export interface Workshop {
  readonly settings: BuildkitSettings;
  /** Throws where the environment names no daemon that could be. */
  fleet(): Fleet;
  readonly store: Store;
  readonly names: Names;
  readonly registries: Registries;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a job stands on. */
interface Grounds {
  readonly parent: Ground | null;
  readonly froms: Readonly<Record<string, Ground>>;
}

/** Builds the job's image and keeps it under its candidate name. */
export async function build(workshop: Workshop, job: Job, ctx: Ctx): Promise<Built> {
  const { settings, store, names, registries } = workshop;
  const fleet = workshop.fleet();
  const name = candidateName(job.key);
  const before = await store.look(name, ctx);
  const grounds = await groundsOf(store, job, ctx);
  const rendered = renderDockerfile(job.spec, {
    parent: grounds.parent?.text ?? null,
    froms: Object.fromEntries(Object.entries(grounds.froms).map(([reference, { text }]) => [reference, text])),
  });
  const at = settings.store && 'repository' in settings.store ? settings.store.repository : null;
  const cache = await cacheOf(job, settings, at, registries, ctx);
  const on = [job.parent, ...Object.values(job.froms)].flatMap((image) => (image ? [image.identity] : []));

  const { held, record } = await fleet.run({ platform: job.platform, on }, ctx, async (endpoint) => {
    const made = await buildAt(endpoint, workshop, { job, rendered, grounds, cache }, ctx);
    fleet.warm(endpoint, [...on, made.held.identity]);
    return made;
  });
  checkBelow(grounds.parent?.below ?? null, await store.layersOf(held, ctx));
  // Only now: under its key, nobody may ever find an image that was not checked.
  const kept = await names.settle(name, held, before, ctx);
  await cache.keep(kept);
  return { identity: kept.identity, at: [{ engine: await store.id(), name }], record };
}

async function groundsOf(store: Store, job: Job, ctx: Ctx): Promise<Grounds> {
  const froms: Record<string, Ground> = {};
  for (const [reference, image] of Object.entries(job.froms))
    froms[reference] = await store.ground(image, job.platform, ctx);
  return { parent: job.parent && (await store.ground(job.parent, job.platform, ctx)), froms };
}

interface Prepared {
  readonly job: Job;
  readonly rendered: RenderedDockerfile;
  readonly grounds: Grounds;
  readonly cache: JobCache;
}

/** One attempt on one daemon: what came of it is in the store, and nameless. */
async function buildAt(
  endpoint: Endpoint,
  { settings, store, env }: Workshop,
  { job, rendered, grounds, cache }: Prepared,
  ctx: Ctx,
): Promise<{ readonly held: Held; readonly record: string }> {
  const ref = randomBytes(16).toString('hex');
  const all = [...Object.values(grounds.froms), ...(grounds.parent ? [grounds.parent] : [])];
  const request = requestOf(job, settings, {
    ref,
    names: Object.assign({}, ...all.map(({ attributes }) => attributes)) as Record<string, string>,
    exporter: (attributes) => store.exporter(attributes, ctx),
    cache: cache.entries,
  });
  const fetchToken = createTokenFetcher({
    credentials: (host) => ctx.credentials(host),
    registry: (host) => ctx.registry(host),
    signal: ctx.signal,
    env: { ...env },
  });
  const answer = await runBuild(
    endpoint.daemon,
    {
      build: request,
      offer: { ...offerOf(rendered, job.access, ctx), ...store.session, fetchToken },
      progress: new BuildProgress(ctx.emit.bind(ctx)),
      host: endpoint.shown,
    },
    ctx.signal,
  );
  const held = await store.take(topOf(answer), job.platform, ctx);
  const said = answer['containerimage.config.digest'];
  if (said !== undefined && said !== held.identity)
    throw failure('IDENTITY_MISMATCH', 'never', `${endpoint.shown} built ${said}, and handed ${held.identity} over`);
  return { held, record: `${endpoint.shown}#${ref}` };
}

function topOf(answer: Readonly<Record<string, string>>): Digest {
  const top = answer['containerimage.digest'];
  if (isDigest(top)) return top;
  throw failure('ENGINE_ANSWER_INVALID', 'never', 'the daemon built an image without saying its digest');
}
