/** The embedded builder: each method of the contract, put together from its parts. */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { cacheDir, openCache } from '@rebake/cache';
import { candidateTag, openLayout, type Output } from '@rebake/image';
import type { Builder, BuilderPlace, Ctx } from '@rebake/sdk';
import {
  candidateName,
  failure,
  heldHere,
  nameHere,
  observe,
  Registries,
  registryName,
  Turns,
} from '@rebake/sdk/building';
import { createAhead } from './ahead.ts';
import type { Workshop } from './build.ts';
import { CONTENTS, STEPS } from './contents.ts';
import type { Image } from './image.ts';
import type { OciSettings } from './options.ts';
import { createBlobs } from './store/blobs.ts';
import { createStore, type Store } from './store/store.ts';
import { blobMemory } from './store/whereabouts.ts';
import { createSupplies } from './supply.ts';

const NO_SECRETS = { secrets: {}, network: 'default' } as const;

/** A builder that makes images itself, in the layout that options name. Nothing is opened before the first call. */
export function createOciBuilder(settings: OciSettings, { dir, env }: BuilderPlace): Builder {
  const cache = openCache(resolve(settings.cache ?? cacheDir(env)));
  const registries = new Registries(blobMemory(cache));
  const layout = openLayout(settings.layout ?? join(dir, 'layout'));
  const blobs = createBlobs(cache, layout, registries);
  const store = createStore(cache, layout, blobs, registries);
  const supplies = createSupplies(cache, env);
  const ahead = createAhead(cache, registries);
  const pushes = new Turns();
  // Layers that are at addresses of their own are nobody's secret.
  const reading = (ctx: Ctx) => ({
    signal: ctx.signal,
    emit: ctx.emit.bind(ctx),
    credentials: ctx.credentials.bind(ctx),
    registry: ctx.registry.bind(ctx),
    download: async () => (await supplies.of(NO_SECRETS, ctx)).download,
  });
  const shop: Workshop = { settings, cache, store, blobs, supplies, ahead, near: new Map(), reading };
  return {
    async probe({ signal }) {
      signal.throwIfAborted();
      return {
        engine: await store.id(),
        contents: CONTENTS,
        steps: STEPS,
        platforms: ['linux/amd64', 'linux/arm64'],
        reproducible: true,
        lacks: [],
        parallel: availableParallelism(),
      };
    },
    async build(job, ctx) {
      ctx.signal.throwIfAborted();
      const { build } = await import('./build.ts');
      return whileWanted(ctx, async (own) => build(shop, job, own));
    },
    async fetch(image, key, ctx) {
      ctx.signal.throwIfAborted();
      const name = candidateName(key);
      const use = reading(ctx);
      await store.keep(name, await store.find(image, use), use);
      return { engine: await store.id(), name };
    },
    async push(image, { registry, repository, key }, ctx) {
      ctx.signal.throwIfAborted();
      const tag = candidateTag(key);
      registryName(registry, repository, tag);
      const held = await needed(store, image);
      // Registries have been seen to stumble over the same manifest twice at the same time.
      return pushes.take(`${registry}/${repository}@${held.manifest.digest}`, async () =>
        store.send(held, { registry, repository, tag }, shop.near.get(held.identity) ?? [], reading(ctx)),
      );
    },
    async tag(image, name, ctx) {
      ctx.signal.throwIfAborted();
      await store.keep(name, await needed(store, image), reading(ctx));
      return { engine: await store.id(), name };
    },
    inspect: async (at, ctx) => observe(async () => look(store, at, ctx)),
    async remove(at, ctx) {
      ctx.signal.throwIfAborted();
      const name = nameHere(at, await store.id());
      if (name !== null) await store.drop(name);
    },
    async close() {
      await ahead.close();
      await Promise.all([supplies.close(), registries.close()]);
      await cache.close();
    },
  };
}

async function look(store: Store, at: Parameters<Builder['inspect']>[0], ctx: Ctx): Promise<Output | null> {
  ctx.signal.throwIfAborted();
  const name = nameHere(at, await store.id());
  const image = name === null ? null : await store.look(name);
  return name !== null && image ? { identity: image.identity, at: [{ engine: await store.id(), name }] } : null;
}

/** An image that has to be here. */
async function needed(store: Store, image: Output): Promise<Image> {
  const here = await heldHere(image, await store.id(), async (name) => store.look(name));
  if (here) return here.held;
  const words = `${image.identity} is not where the builder keeps its images (any more); plan again`;
  throw failure('IMAGE_MISSING', 'never', words);
}

/** Works with a context that says nothing any more when the work has ended: what was begun beside it may still speak. */
async function whileWanted<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  let hasEnded = false;
  try {
    return await work({
      signal: ctx.signal,
      scratch: ctx.scratch,
      emit: (progress) => (hasEnded ? undefined : ctx.emit(progress)),
      secret: async (ref) => ctx.secret(ref),
      credentials: async (host) => ctx.credentials(host),
      registry: (host) => ctx.registry(host),
      now: () => ctx.now(),
    });
  } finally {
    hasEnded = true;
  }
}
