/** The builder over BuildKit daemons: each method of the contract, put together from its parts. */
import { join } from 'node:path';
import { candidateTag, DOCKERFILE_CONTENTS, DOCKERFILE_STEPS } from '@rebake/image';
import type { Output, Platform } from '@rebake/image';
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
import type { Held } from '@rebake/sdk/building';
import { build } from './build.ts';
import type { Workshop } from './build.ts';
import { createEndpoints } from './endpoint.ts';
import { Fleet } from './fleet.ts';
import { Names } from './names.ts';
import type { BuildkitSettings } from './options.ts';
import { createLayoutStore } from './store/layout-store.ts';
import { createRepositoryStore } from './store/repository-store.ts';
import type { Store } from './store/store.ts';

/** A builder over the daemons and the store that options name. Nothing is opened before the first call. */
export function createBuildkitBuilder(settings: BuildkitSettings, { dir, env }: BuilderPlace): Builder {
  const registries = new Registries();
  const store = storeOf(settings, dir, registries);
  let made: Fleet | undefined;
  const fleet = (): Fleet => (made ??= new Fleet(createEndpoints(settings.endpoints, env)));
  const pushes = new Turns();
  const workshop: Workshop = { settings, fleet, store, names: new Names(store), registries, env };
  return {
    async probe({ signal }) {
      const reached = await fleet().probe(signal);
      return {
        engine: await store.id(),
        contents: DOCKERFILE_CONTENTS,
        steps: DOCKERFILE_STEPS,
        platforms: [...new Set<Platform>(reached.flatMap(({ platforms }) => platforms))].toSorted(),
        // An inline cache brings the time of the build into the image.
        reproducible: settings.cache?.type !== 'inline',
        lacks: store.lacks,
        parallel: reached.reduce((sum, { endpoint }) => sum + endpoint.parallel, 0),
      };
    },
    async build(job, ctx) {
      ctx.signal.throwIfAborted();
      return build(workshop, job, ctx);
    },
    async fetch(image, key, ctx) {
      ctx.signal.throwIfAborted();
      const name = candidateName(key);
      await store.bring(image, name, ctx);
      return { engine: await store.id(), name };
    },
    async push(image, { registry, repository, key }, ctx) {
      ctx.signal.throwIfAborted();
      const tag = candidateTag(key);
      registryName(registry, repository, tag);
      const held = await needed(store, image, ctx);
      // Registries have been seen to stumble over the same manifest twice at the same time.
      return pushes.take(`${registry}/${repository}@${held.top}`, () =>
        store.send(held, { registry, repository, tag }, ctx),
      );
    },
    async tag(image, name, ctx) {
      ctx.signal.throwIfAborted();
      await store.keep(name, await needed(store, image, ctx), ctx);
      return { engine: await store.id(), name };
    },
    inspect: (at, ctx) => observe(() => look(store, at, ctx)),
    async remove(at, ctx) {
      ctx.signal.throwIfAborted();
      const name = nameHere(at, await store.id());
      if (name !== null) await store.drop(name, ctx);
    },
    async close() {
      await Promise.all([made?.close(), registries.close()]);
    },
  };
}

function storeOf({ store }: BuildkitSettings, dir: string, registries: Registries): Store {
  if (store && 'repository' in store) return createRepositoryStore(store.repository, registries);
  return createLayoutStore(store?.layout ?? join(dir, 'layout'), registries);
}

async function look(store: Store, at: Parameters<Builder['inspect']>[0], ctx: Ctx): Promise<Output | null> {
  ctx.signal.throwIfAborted();
  const name = nameHere(at, await store.id());
  const held = name === null ? null : await store.look(name, ctx);
  return name !== null && held ? { identity: held.identity, at: [{ engine: await store.id(), name }] } : null;
}

/** An image that has to be in this store. */
async function needed(store: Store, image: Output, ctx: Ctx): Promise<Held> {
  const here = await heldHere(image, await store.id(), (name) => store.look(name, ctx));
  if (here) return here.held;
  throw failure(
    'IMAGE_MISSING',
    'never',
    `${image.identity} is not where the builder keeps its images (any more); plan again`,
  );
}
