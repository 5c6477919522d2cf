/** Images of layouts as one tar that Docker, Podman and skopeo load: deterministic, and streamed. */
import { createHash } from 'node:crypto';
import {
  BuildFailure,
  compareBytes,
  MAX_CONFIG_BYTES,
  type Descriptor,
  type Digest,
  type StoredImage,
} from '@rebake/image';
import { compressionOf } from '../media-types.ts';
import { recompress } from '../recompress.ts';
import { END, headerOf, paddingOf } from '../tar/header.ts';
import type { TreeEntry } from '../types.ts';
import { blobPath, descriptorOf, documentsOf, manifestFor, type Content, type Documented } from './document.ts';
import type { ExportedImage, ExportOptions, ImageToExport, PreparedExport } from './types.ts';

const OWN = { uid: 0, gid: 0 } as const;
const FOLDERS = ['blobs', 'blobs/sha256'];

/** Reads the documents of images, and decides all that goes into the archive. Rejects with `BLOB_MISSING` where a part of one is not there. */
export async function prepareExport(images: readonly ImageToExport[], options: ExportOptions): Promise<PreparedExport> {
  const contents = new Map<Digest, Content>();
  const documented: Documented[] = [];
  for (const image of images) documented.push(await document(image, options, contents));
  const files = filesOf(documented, options, contents);
  return {
    images: documented.map(told),
    size: files.reduce((sum, { head, size }) => sum + head.byteLength + size + paddingOf(size), END.byteLength),
    bytes: () => archive(files, options.signal),
  };
}

async function document(
  { layout, reference, platform, tags }: ImageToExport,
  { gzip, signal }: ExportOptions,
  contents: Map<Digest, Content>,
): Promise<Documented> {
  signal.throwIfAborted();
  const image = await layout.image(reference, platform);
  if (image === null)
    throw new BuildFailure({
      code: 'BLOB_MISSING',
      retry: 'never',
      words: `${layout.dir}: ${reference} is not there, or not whole`,
    });
  const layers: Descriptor[] = [];
  for (const [i, layer] of image.layers.entries()) {
    const read = (): AsyncIterable<Uint8Array> => layout.read(layer.digest);
    const diffId = image.config.diffIds[i];
    if (gzip === undefined || diffId === undefined || compressionOf(layer.mediaType) !== 'zstd') {
      contents.set(layer.digest, { size: layer.size, read });
      layers.push(layer);
      continue;
    }
    const source = {
      ...layer,
      diffId,
      read: (range?: { offset?: number; length?: number }) => layout.read(layer.digest, range),
    };
    const { digest, size, mediaType } = await recompress(gzip, source, 'gzip', signal);
    contents.set(digest, { size, read: () => gzip.read(digest) });
    layers.push({ digest, size, mediaType });
  }
  const config = await layout.readDocument(image.identity, MAX_CONFIG_BYTES);
  contents.set(image.identity, inMemory(config));
  const bytes = await manifestFor(layout, image, layers);
  const manifest = descriptorOf(bytes, image.manifest.mediaType);
  contents.set(manifest.digest, inMemory(bytes));
  return { image, manifest, layers, tags };
}

interface File {
  readonly head: Buffer;
  readonly size: number;
  readonly read: () => AsyncIterable<Uint8Array>;
  /** What its bytes have to be. */
  readonly digest: Digest | null;
}

function filesOf(
  images: readonly Documented[],
  { format }: ExportOptions,
  contents: ReadonlyMap<Digest, Content>,
): readonly File[] {
  const [first, ...others] = documentsOf(images, format).map(([path, bytes]) => file(path, inMemory(bytes), null));
  const folders = FOLDERS.map((path): File => ({
    head: headerOf({ path, type: 'directory', mode: 0o755, ...OWN }),
    ...empty,
  }));
  const blobs = [...contents]
    .toSorted(([a], [b]) => compareBytes(a, b))
    .map(([digest, content]) => file(blobPath(digest), content, digest));
  return [...(first === undefined ? [] : [first]), ...others, ...folders, ...blobs];
}

const empty = { size: 0, digest: null, read: (): AsyncIterable<Uint8Array> => one(Buffer.alloc(0)) };

function file(path: string, { size, read }: Content, digest: Digest | null): File {
  const entry: TreeEntry = { path, type: 'file', mode: 0o644, ...OWN, size, bytes: read };
  return { head: headerOf(entry), size, read, digest };
}

async function* archive(files: readonly File[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const { head, size, read, digest } of files) {
    yield head;
    let done = 0;
    const hash = digest === null ? null : createHash('sha256');
    for await (const chunk of read()) {
      signal.throwIfAborted();
      hash?.update(chunk);
      done += chunk.byteLength;
      if (done > size) break;
      yield chunk;
    }
    if (done !== size || (hash !== null && `sha256:${hash.digest('hex')}` !== digest)) {
      throw new BuildFailure({
        code: 'BLOB_MISMATCH',
        retry: 'never',
        words: `the content of ${digest} is not what its digest says`,
      });
    }
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
  }
  yield END;
}

function told({ image, manifest, layers, tags }: Documented): ExportedImage {
  return {
    identity: image.identity,
    manifest: manifest.digest,
    tags,
    bytes: layers.reduce((sum, { size }) => sum + size, 0),
    layers: layers.length,
    zstdLayers: layers.filter(isZstd).length,
  };
}

function isZstd({ mediaType }: StoredImage['layers'][number]): boolean {
  return compressionOf(mediaType) === 'zstd';
}

function inMemory(bytes: Uint8Array): Content {
  return { size: bytes.byteLength, read: () => one(bytes) };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
