/** Images under names, in an OCI layout on disk. Of one that stands on an image in a registry, the layers below may stay there. */
import {
  BuildFailure,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  type Descriptor,
  type Digest,
  type Layout,
  type ManifestAt,
  type Output,
  type Platform,
  type RepositoryAt,
} from '@rebake/image';
import type { Cache } from '@rebake/cache';
import { failure, heldHere, onBytes, parseName, told, type Registries, type RegistryPlace } from '@rebake/sdk/building';
import { imageOf, isHeld, type Documents, type Image } from '../image.ts';
import type { Blobs, Reading } from './blobs.ts';
import { once, partialName, readPartial, writePartial } from './partial.ts';

/** Longer than from the first blob of an image to its name. */
const SWEEP_AGE_MS = 24 * 60 * 60 * 1_000;
const LINKS_AT_ONCE = 8;
const CANDIDATE = 'rebake/candidate:';

export interface Store {
  /** Its id, as `Capabilities.engine` says it: the same for all who use the same folder. */
  id(): Promise<string>;
  /** The image of a name; null: there is none. */
  look(name: string): Promise<Image | null>;
  /** What an image is built on: here, or in a registry. Throws `PARENT_MISSING` where it is in neither. */
  ground(image: Output, platform: Platform, reading: Reading): Promise<Image>;
  /** Gives an image a name, or moves the name to it. A candidate's layers may stay elsewhere; for other names they are fetched. */
  keep(name: string, image: Image, reading: Reading): Promise<void>;
  /** Takes a name away. Missing is fine. */
  drop(name: string): Promise<void>;
  /** Looks for an image in the registries that are known to have it. */
  find(image: Output, reading: Reading): Promise<Image>;
  /** Sends an image to a repository, under a tag; returns the digest of its manifest. `near`: where some of its layers may be already. */
  send(
    image: Image,
    to: { registry: string; repository: string; tag: string },
    near: readonly RepositoryAt[],
    reading: Reading,
  ): Promise<Digest>;
}

export function createStore(cache: Cache, layout: Layout, blobs: Blobs, registries: Registries): Store {
  const id = async (): Promise<string> => `layout:${await layout.id()}`;

  async function read(manifest: Digest, identity: Digest, elsewhere: readonly ManifestAt[]): Promise<Image> {
    const documents: Documents = {
      manifest: await layout.readDocument(manifest, MAX_MANIFEST_BYTES),
      config: await layout.readDocument(identity, MAX_CONFIG_BYTES),
    };
    return imageOf(documents, elsewhere, `${layout.dir}: ${manifest}`);
  }

  const look: Store['look'] = async (name) => {
    const names = await layout.names();
    const whole = names.get(name);
    const stored = whole === undefined ? null : await layout.image(whole.digest);
    if (stored !== null) return read(stored.manifest.digest, stored.identity, []);
    const partial = name.startsWith(CANDIDATE) ? names.get(partialName(name)) : undefined;
    if (partial === undefined) return null;
    try {
      const note = await readPartial(layout, partial);
      return note === null ? null : await read(note.manifest.digest, note.identity, note.elsewhere);
    } catch (error) {
      if (error instanceof BuildFailure && error.error.code === 'BLOB_MISSING') return null;
      throw error;
    }
  };

  /** Puts all that is on this machine of an image into the layout; returns the layers that are not. */
  async function settle(image: Image, reading: Reading): Promise<Image['layers']> {
    const { documents, identity, manifest } = image;
    await layout.write({ digest: identity, size: documents.config.byteLength }, once(documents.config));
    await layout.write(manifest, once(documents.manifest));
    const waiting = [...new Map(image.layers.filter(isHeld).map((layer) => [layer.digest, layer])).values()];
    const absent: Image['layers'][number][] = [];
    const work = async (): Promise<void> => {
      for (let layer = waiting.shift(); layer !== undefined; layer = waiting.shift()) {
        reading.signal.throwIfAborted();
        if ((await layout.has(layer.digest)) !== null) continue;
        if ((await cache.has(layer.digest)) === null) absent.push(layer);
        else await layout.link({ digest: layer.digest, size: layer.size }, cache.path(layer.digest));
      }
    };
    await Promise.all(Array.from({ length: LINKS_AT_ONCE }, work));
    return absent;
  }

  async function whole(name: string, image: Image): Promise<void> {
    const { mediaType, digest, size } = image.manifest;
    await layout.name(name, { mediaType, digest, size });
    if (name.startsWith(CANDIDATE)) await layout.unname(partialName(name));
  }

  const find: Store['find'] = async (output, reading) => {
    const { at, held } = await registries.first(output, reading);
    return load(at, held.manifest, output, reading);
  };

  async function load(at: RegistryPlace, manifest: Digest, output: Output, reading: Reading): Promise<Image> {
    const places = [at, ...output.at.filter((one): one is RegistryPlace => 'registry' in one && one !== at)];
    const elsewhere = places
      .filter((one) => one.manifest === at.manifest)
      .map(({ registry, repository }) => ({ registry, repository, manifest }));
    const first = { registry: at.registry, repository: at.repository, manifest };
    if ((await cache.has(manifest)) === null || (await cache.has(output.identity)) === null)
      await blobs.documents(first, output.identity, reading);
    const documents: Documents = {
      manifest: await bytesOf(cache, manifest),
      config: await bytesOf(cache, output.identity),
    };
    return imageOf(documents, elsewhere, `${at.registry}/${at.repository}@${manifest}`);
  }

  return {
    id,
    look,
    find,

    async ground(output, platform, reading) {
      const here = await heldHere(output, await id(), look);
      if (here) return here.held;
      let last: BuildFailure | null = null;
      for (const at of output.at) {
        if (!('registry' in at)) continue;
        try {
          const reference = { registry: at.registry, repository: at.repository, reference: at.manifest };
          const held = await registries.find(reference, platform, reading);
          if (held?.identity === output.identity) return await load(at, held.manifest, output, reading);
        } catch (error) {
          reading.signal.throwIfAborted();
          if (!(error instanceof BuildFailure)) throw error;
          if (error.error.code !== 'PLATFORM_MISSING') last = error;
        }
      }
      if (last !== null) throw last;
      throw failure('PARENT_MISSING', 'never', `${output.identity} is not where it was; plan again`);
    },

    async keep(name, image, reading) {
      // As strict as an engine: it may be taken for one of its names.
      parseName(name);
      const absent = await settle(image, reading);
      if (absent.length === 0) return whole(name, image);
      if (name.startsWith(CANDIDATE)) {
        const missing = new Set<string>(absent.map(({ digest }) => digest));
        const here = new Set(image.layers.map(({ digest }) => digest).filter((digest) => !missing.has(digest)));
        const target: Descriptor = await writePartial(layout, image, here);
        await layout.name(partialName(name), target);
        await layout.unname(name);
        return;
      }
      await blobs.fetch(absent, image.elsewhere, reading);
      await settle(image, reading);
      await whole(name, image);
    },

    async drop(name) {
      const isCandidate = name.startsWith(CANDIDATE);
      const wasPartial = isCandidate && (await layout.unname(partialName(name)));
      if ((await layout.unname(name)) || wasPartial) await layout.sweep({ olderThanMs: SWEEP_AGE_MS });
    },

    async send(image, to, near, reading) {
      const mountFrom = [...image.elsewhere, ...near]
        .filter(({ registry }) => registry === to.registry)
        .map(({ repository }) => repository);
      const source = blobs.sourceOf(image, reading);
      const options = { ...onBytes(reading), mountFrom };
      return told(await registries.client(reading).upload(source, image.manifest.digest, to, options), reading);
    },
  };
}

async function bytesOf(cache: Cache, digest: Digest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of cache.read(digest, { length: MAX_CONFIG_BYTES + 1 })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
