/** The image of a layout folder or of an archive, brought into the cache once: config and layers, all checked. */
import { BuildFailure, digestOf, digestOfBytes, type Digest, type FileSet, type Platform } from '@rebake/image';
import type { Cache } from '@rebake/cache';
import { magicOf } from '../decompress.ts';
import { invalid } from '../failures.ts';
import { loadIndex } from '../fs/layer-index.ts';
import { LAYER_TYPES, PLAIN_LAYER } from '../media-types.ts';
import type { LayerFact } from '../sink.ts';
import type { LayerSource } from '../types.ts';
import { findSaved } from './docker.ts';
import { broken, missing } from './documents.ts';
import { openFiles, type Files } from './files.ts';
import type { FoundImage, FoundLayer } from './found.ts';
import { findOci } from './oci.ts';

/** An image of an archive. `config`: the exact bytes; `identity`: their digest; `layers`: the lowest first. */
export interface ArchivedImage {
  readonly config: Uint8Array;
  readonly identity: Digest;
  readonly layers: readonly LayerSource[];
}

type ArchiveFact = { readonly config: Digest; readonly layers: readonly LayerFact[] };

/**
 * The image of an OCI image layout (several files), of an archive of one, or of an archive that `docker save` or `podman save` wrote (one file, plain or
 * compressed). `name`: as the layout or the archive calls it; null: the only one for the platform. Its layers are in the cache afterwards, as
 * they are there: those of `docker save` are plain tars, for `recompress`. What was read once is not read again, by the digests of
 * the files. Rejects with `INPUT_MOVED`, `LAYOUT_INVALID`, `ARCHIVE_INVALID`, `LAYOUT_IMAGE_UNKNOWN`, `PLATFORM_MISSING`, `BLOB_MISSING`, `BLOB_MISMATCH`.
 */
export async function openImageArchive(
  cache: Cache,
  files: FileSet,
  name: string | null,
  platform: Platform,
  signal: AbortSignal,
): Promise<ArchivedImage> {
  const contents = files.files.map(({ path, digest }) => [path, digest]);
  const fact = await cache.once<ArchiveFact>(
    'image-archive',
    digestOf({ contents, name, platform }),
    async (making) => {
      const opened = await openFiles(cache, files, making);
      const value = await closing(opened, async () => bring(cache, opened, name, platform, making));
      return { value, blobs: [value.config, ...value.layers.map(({ digest }) => digest)] };
    },
    signal,
  );
  const parts: Uint8Array[] = [];
  for await (const part of cache.read(fact.config)) parts.push(part);
  const layers = fact.layers.map((layer) => sourceOf(cache, layer));
  return { config: Buffer.concat(parts), identity: fact.config, layers };
}

/** Closes whatever happens; what went wrong first is what counts. */
async function closing<T>(files: Files, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await files.close().catch(() => undefined);
    throw error;
  }
  await files.close();
  return result;
}

async function bring(
  cache: Cache,
  files: Files,
  name: string | null,
  platform: Platform,
  signal: AbortSignal,
): Promise<ArchiveFact> {
  const found = await find(files, name, platform);
  const layers: LayerFact[] = [];
  for (const layer of found.layers) {
    signal.throwIfAborted();
    const own = await bringLayer(cache, files, layer);
    // Checks its diff ID, too; and nothing is built upon an image that is not looked into.
    await loadIndex(cache, sourceOf(cache, own), signal);
    layers.push(own);
  }
  const config = digestOfBytes(found.config);
  await cache.write({ digest: config, size: found.config.byteLength }, once(found.config));
  return { config, layers };
}

/** Docker and others write archives that are both: what the layout does not know, the older part may. */
async function find(files: Files, name: string | null, platform: Platform): Promise<FoundImage> {
  let unknown: BuildFailure | undefined;
  try {
    const image = await findOci(files, name, platform);
    if (image !== null) return image;
  } catch (error) {
    if (!(error instanceof BuildFailure && error.error.code === 'LAYOUT_IMAGE_UNKNOWN')) throw error;
    unknown = error;
  }
  const image = await findSaved(files, name, platform);
  if (image !== null) return image;
  throw unknown ?? broken(files, 'it is neither an image layout nor an archive of an image');
}

async function bringLayer(cache: Cache, files: Files, { path, diffId, blob }: FoundLayer): Promise<LayerFact> {
  const bytes = files.read(path);
  if (bytes === null) throw missing(files, path);
  if (blob !== null) {
    await cache.write({ digest: blob.digest, size: blob.size }, bytes);
    return { diffId, ...blob };
  }
  const { kind, all } = await magicOf(bytes);
  if (kind === 'xz' || kind === 'bzip2')
    throw invalid(files.name, `compressed by ${kind}, which is not read here`, path);
  const writer = await cache.begin();
  try {
    for await (const piece of all) await writer.append(piece);
    const written = await writer.commit(kind === 'none' ? { digest: diffId } : {});
    return { diffId, ...written, mediaType: kind === 'none' ? PLAIN_LAYER : LAYER_TYPES[kind] };
  } finally {
    await writer.abort();
  }
}

function sourceOf(cache: Cache, layer: LayerFact): LayerSource {
  return { ...layer, read: (range) => cache.read(layer.digest, range) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
