/** The documents of an archive: which blobs an image is made of, and what leads to them. */
import {
  digestOfBytes,
  MAX_MANIFEST_BYTES,
  type Descriptor,
  type Digest,
  type Layout,
  type StoredImage,
} from '@rebake/image';
import type { ExportFormat } from './types.ts';

/** Content of the archive by digest: where it is read from. */
export interface Content {
  readonly size: number;
  readonly read: () => AsyncIterable<Uint8Array>;
}

/** An image with its documents as they go into the archive. */
export interface Documented {
  readonly image: StoredImage;
  readonly manifest: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly tags: readonly string[];
}

/** The manifest of an image whose layers may be others than those it has in its layout; the config, and so its identity, stays. */
export async function manifestFor(
  layout: Layout,
  image: StoredImage,
  layers: readonly Descriptor[],
): Promise<Uint8Array> {
  const bytes = await layout.readDocument(image.manifest.digest, MAX_MANIFEST_BYTES);
  if (layers.every(({ digest }, i) => digest === image.layers[i]?.digest)) return bytes;
  const raw = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
  const plain = layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  return Buffer.from(JSON.stringify({ ...raw, layers: plain }));
}

export function descriptorOf(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOfBytes(bytes), size: bytes.byteLength };
}

export function blobPath(digest: Digest): string {
  return `blobs/sha256/${digest.slice('sha256:'.length)}`;
}

/** The files of the archive that are no blobs. Docker reads its own list first, and what it names after it. */
export function documentsOf(
  images: readonly Documented[],
  format: ExportFormat,
): readonly (readonly [string, Buffer])[] {
  const list = images.map(({ image, layers, tags }) => ({
    Config: blobPath(image.identity),
    RepoTags: tags,
    Layers: layers.map(({ digest }) => blobPath(digest)),
  }));
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: images.flatMap(entriesOf),
  };
  return [
    ...(format === 'docker' ? [['manifest.json', json(list)] as const] : []),
    ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
    ['index.json', json(index)],
  ];
}

function entriesOf({ image, manifest, tags }: Documented): readonly object[] {
  const { os, architecture } = image.config;
  const entry = {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.size,
    platform: { os, architecture },
  };
  if (tags.length === 0) return [entry];
  return tags.map((tag) => ({
    ...entry,
    // The second is what containerd, and with it newer Docker, names it by.
    annotations: { 'org.opencontainers.image.ref.name': tag, 'io.containerd.image.name': tag },
  }));
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
