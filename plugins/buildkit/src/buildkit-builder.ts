/** The builder over BuildKit daemons: each method of the contract, put together from its parts. */
import { join } from 'node:path';
import { candidateTag, DOCKERFILE_CONTENTS, STEP_VERSIONS } from '@rebake/image';
import type { Location, Output, Platform } from '@rebake/image';
import type { Builder, BuilderPlace, Ctx } from '@rebake/sdk';
import { failure, observe, registryName } from '@rebake/sdk/building';
import { build } from './build.ts';
import type { Workshop } from './build.ts';
import { createEndpoints } from './endpoint.ts';
import { Fleet } from './fleet.ts';
import { Names } from './names.ts';
import type { BuildkitSettings } from './options.ts';
import { heldHere } from './store/ground.ts';
import { createLayoutStore } from './store/layout-store.ts';
import { Registries } from './store/registries.ts';
import { createRepositoryStore } from './store/repository-store.ts';
import type { Held, Store } from './store/store.ts';

/** A builder over the daemons and the store that options name. Nothing is opened before the first call. */
export function createBuildkitBuilder(settings: BuildkitSettings, { dir, env }: BuilderPlace): Builder {
  const registries = new Registries();
  const store = storeOf(settings, dir, registries);
  const fleet = new Fleet(createEndpoints(settings.endpoints, env));
  const workshop: Workshop = { settings, fleet, store, names: new Names(store), registries, env };
  return {
    async probe({ signal }) {
      const reached = await fleet.probe(signal);
      return {
        engine: await store.id(),
        contents: DOCKERFILE_CONTENTS,
        steps: Object.entries(STEP_VERSIONS).map(([name, version]) => `${name}@${version}`),
        platforms: [...new Set<Platform>(reached.flatMap(({ platforms }) => platforms))].toSorted(),
        // An inline cache brings the time of the build into the image.
        reproducible: settings.cache?.type !== 'inline',
        lacks: store.lacks,
        parallel: reached.reduce((sum, { endpoint }) => sum + endpoint.parallel, 0),
      };
    },
    build: (job, ctx) => build(workshop, job, ctx),
    async fetch(image, key, ctx) {
      const name = store.candidate(key);
      await store.bring(image, name, ctx);
      return { engine: await store.id(), name };
    },
    async push(image, to, ctx) {
      registryName(to.registry, to.repository, candidateTag(to.key));
      const held = await needed(store, image, ctx);
      return store.send(held, { registry: to.registry, repository: to.repository, tag: candidateTag(to.key) }, ctx);
    },
    async tag(image, name, ctx) {
      await store.keep(name, await needed(store, image, ctx), ctx);
      return { engine: await store.id(), name };
    },
    inspect: (at, ctx) => observe(() => look(store, at, ctx)),
    async remove(at, ctx) {
      const name = await nameHere(store, at);
      if (name !== null) await store.drop(name, ctx);
    },
    async close() {
      await Promise.all([fleet.close(), registries.close()]);
    },
  };
}

function storeOf({ store }: BuildkitSettings, dir: string, registries: Registries): Store {
  if (store && 'repository' in store) return createRepositoryStore(store.repository, registries);
  return createLayoutStore(store?.layout ?? join(dir, 'layout'), registries);
}

async function look(store: Store, at: Parameters<Builder['inspect']>[0], ctx: Ctx): Promise<Output | null> {
  const name = await nameHere(store, at);
  const held = name === null ? null : await store.look(name, ctx);
  return name !== null && held ? { identity: held.identity, at: await store.places(name, held) } : null;
}

/** A name of this store; null for a place in another one: what was in a store that is gone is gone with it. */
async function nameHere(store: Store, at: Parameters<Builder['inspect']>[0]): Promise<string | null> {
  if ('key' in at) return store.candidate(at.key);
  if ('registry' in at) throw elsewhere(at);
  return at.engine === (await store.id()) ? at.name : null;
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

function elsewhere(at: Extract<Location, { registry: string }>): Error {
  const words = `${at.registry}/${at.repository} is a registry's matter, not an engine's`;
  return failure('LOCATION_ELSEWHERE', 'elsewhere', words);
}
