/** Images in an OCI layout on disk: daemons read parents from it and write to it what is new, through the session of the build. */
import { MAX_MANIFEST_BYTES, openLayout, parseManifest } from '@rebake/image';
import type { Descriptor, Layout, StoredImage } from '@rebake/image';
import { failure, heldHere, onBytes, parseName, told } from '@rebake/sdk/building';
import type { Held, Registries } from '@rebake/sdk/building';
import { groundInRegistry } from './ground.ts';
import type { Store } from './store.ts';

/** Name of the layout within the session of a build. */
const SESSION_NAME = 'rebake';

/** Longer than from the first blob of an image to its name. */
const SWEEP_AGE_MS = 24 * 60 * 60 * 1_000;

/** The store in a folder. Its names are those of the layout, where other tools find them too. */
export function createLayoutStore(dir: string, registries: Registries): Store {
  const layout = openLayout(dir);
  const id = async (): Promise<string> => `layout:${await layout.id()}`;

  const look = async (name: string): Promise<Held | null> => {
    const target = await layout.resolve(name);
    const image = target && (await layout.image(target.digest));
    return target && image && heldOf(image, target);
  };

  const read = async (held: Held): Promise<StoredImage> => {
    const image = await layout.image(held.manifest);
    if (image) return image;
    throw failure('IMAGE_MISSING', 'never', `${dir} has no image ${held.identity} any more`);
  };

  const layersOf = async (held: Held) => ({ id: held.identity, layers: (await read(held)).config.diffIds });

  return {
    lacks: [],
    session: { layouts: { [SESSION_NAME]: layout }, exportTo: layout },
    id,
    look,
    layersOf,

    async ground(image, platform, use) {
      const here = await heldHere(image, await id(), look);
      if (!here) return groundInRegistry(image, platform, registries, use);
      const { manifest } = here.held;
      // A name of ours, which no registry has: the frontend is told what it stands for.
      const text = `rebake/image:${manifest.slice('sha256:'.length)}`;
      const attributes = { [`context:${text}`]: `oci-layout://${SESSION_NAME}@${manifest}` };
      return { text, attributes, below: await layersOf(here.held) };
    },

    exporter: (attributes) => ({ type: 'oci', attributes: { ...attributes, tar: 'false' } }),

    async take(top, platform) {
      const image = await layout.image(top, platform);
      if (image) return heldOf(image, { digest: top });
      throw failure('IMAGE_MISSING', 'backoff', `the daemon wrote ${top}, and not all of it is in ${dir}`);
    },

    async keep(name, held) {
      // As strict as an engine: it may be taken for one of its names.
      parseName(name);
      await layout.name(name, await descriptorOf(layout, held));
    },

    async drop(name) {
      if (await layout.unname(name)) await layout.sweep({ olderThanMs: SWEEP_AGE_MS });
    },

    async bring(image, name, use) {
      const { at, held } = await registries.first(image, use);
      await registries.client(use).download({ ...at, manifest: held.top }, layout, onBytes(use));
      await layout.name(name, await descriptorOf(layout, held));
      return held;
    },

    send: async (held, to, use) => told(await registries.client(use).upload(layout, held.top, to, onBytes(use)), use),
  };
}

function heldOf({ identity, manifest }: StoredImage, top: Pick<Descriptor, 'digest'>): Held {
  return { identity, top: top.digest, manifest: manifest.digest };
}

async function descriptorOf(layout: Layout, { top }: Held): Promise<Descriptor> {
  const bytes = await layout.readDocument(top, MAX_MANIFEST_BYTES);
  return { mediaType: parseManifest(bytes, '').mediaType, digest: top, size: bytes.byteLength };
}
