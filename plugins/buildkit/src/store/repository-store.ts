/** Images in one repository of a registry: daemons push by digest, candidates are tags, and whoever names the same repository shares them. */
import { BuildFailure, isDigest } from '@rebake/image';
import type { RepositoryAt } from '@rebake/image';
import { candidateName, failure, heldHere, onBytes, parseName, told } from '@rebake/sdk/building';
import type { Registries } from '@rebake/sdk/building';
import { groundInRegistry } from './ground.ts';
import type { Store } from './store.ts';
import { removeTag } from './remove-tag.ts';

/** The tag that a candidate's name stands for; null for other names, which nobody would look for in a registry. */
function tagOf(name: string): string | null {
  const { tag } = parseName(name);
  const key = `sha256:${tag.slice('rebake-'.length)}`;
  return isDigest(key) && candidateName(key) === name ? tag : null;
}

/** The same, for one that is to be given. */
function tagFor(name: string): string {
  const tag = tagOf(name);
  if (tag !== null) return tag;
  throw failure(
    'NAME_INVALID',
    'never',
    `${JSON.stringify(name)} is no candidate, and a repository keeps nothing else`,
  );
}

/** The store in a repository. It keeps candidates, each under its tag, and nothing else. */
export function createRepositoryStore(at: RepositoryAt, registries: Registries): Store {
  const path = `${at.registry}/${at.repository}`;
  const id = `repository:${path}`;

  const look: Store['look'] = async (name, use) => {
    const tag = tagOf(name);
    if (tag === null) return null;
    try {
      return await registries.find({ ...at, reference: tag }, null, use);
    } catch (error) {
      // Something else has that name, or the rest of a removal: no image.
      if (error instanceof BuildFailure && error.error.code === 'PLATFORM_MISSING') return null;
      throw error;
    }
  };

  return {
    // A tag of this repository is found by no engine under the name that a config without a registry would ask for.
    lacks: ['engine-names'],
    session: {},
    id: () => Promise.resolve(id),
    look,
    layersOf: async (held, use) => registries.layersOf(at, held, use),

    async ground(image, platform, use) {
      const here = await heldHere(image, id, async (name) => look(name, use));
      if (!here) return groundInRegistry(image, platform, registries, use);
      const below = await registries.layersOf(at, here.held, use);
      return { text: `${path}@${here.held.manifest}`, attributes: {}, below };
    },

    exporter: (attributes, use) => ({
      type: 'image',
      attributes: {
        ...attributes,
        name: path,
        push: 'true',
        'push-by-digest': 'true',
        'name-canonical': 'true',
        ...(use.registry(at.registry).insecure === true ? { 'registry.insecure': 'true' } : {}),
      },
    }),

    async take(top, platform, use) {
      const held = await registries.find({ ...at, reference: top }, platform, use);
      if (held) return held;
      throw failure('IMAGE_MISSING', 'backoff', `the daemon pushed ${path}@${top}, and it is not there`);
    },

    async keep(name, held, use) {
      const tag = tagFor(name);
      await registries.client(use).tag({ ...at, manifest: held.top }, tag, { signal: use.signal });
    },

    async drop(name, use) {
      const tag = tagOf(name);
      if (tag !== null) await removeTag(registries.client(use), at, tag, use);
    },

    async bring(image, name, use) {
      const tag = tagFor(name);
      const { at: from, held } = await registries.first(image, use);
      await registries.client(use).copy({ ...from, manifest: held.top }, { ...at, tag }, onBytes(use));
      return held;
    },

    send: async (held, to, use) =>
      told(await registries.client(use).copy({ ...at, manifest: held.top }, to, onBytes(use)), use),
  };
}
