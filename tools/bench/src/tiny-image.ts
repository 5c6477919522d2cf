// Images of a few hundred bytes, and a loader that puts them into a registry by plain HTTP: content for benchmarks of looking.
import { gzipSync } from 'node:zlib';
import { digestOfBytes, type Digest } from '@rebake/image';

/** Documents of one image. */
export interface TinyImage {
  /** Digest of the config. */
  readonly identity: Digest;
  readonly config: string;
  readonly manifest: string;
  readonly manifestDigest: Digest;
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** Two blocks of zeros are the tar archive of no files. */
const TAR = new Uint8Array(1024);
const LAYER = gzipSync(TAR);
const LAYER_DIGEST = digestOfBytes(LAYER);
const DIFF_ID = digestOfBytes(TAR);

/** An image with one empty layer that differs from all others by its label. */
export function tinyImage(label: string): TinyImage {
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { label } },
    rootfs: { type: 'layers', diff_ids: [DIFF_ID] },
    history: [{ created_by: 'bench' }],
  });
  const identity = digestOfBytes(config);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: identity, size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: LAYER_DIGEST, size: LAYER.length }],
  });
  return { identity, config, manifest, manifestDigest: digestOfBytes(manifest) };
}

/** Puts the image under `repository:tag`. `url` is the root of a registry without login. */
export async function loadImage(url: string, image: TinyImage, repository: string, tag: string): Promise<void> {
  const repo = `${url}/v2/${repository}`;
  await loadBlob(repo, LAYER_DIGEST, LAYER);
  await loadBlob(repo, image.identity, image.config);
  await ask(`${repo}/manifests/${tag}`, { method: 'PUT', headers: { 'Content-Type': MANIFEST }, body: image.manifest });
}

async function loadBlob(repo: string, digest: Digest, bytes: string | Uint8Array<ArrayBuffer>): Promise<void> {
  const started = await ask(`${repo}/blobs/uploads/`, { method: 'POST' });
  const to = new URL(started.headers.get('Location') ?? '', repo);
  to.searchParams.set('digest', digest);
  await ask(to, { method: 'PUT', headers: { 'Content-Type': 'application/octet-stream' }, body: bytes });
}

async function ask(url: string | URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${init.method} ${String(url)}: HTTP ${response.status} ${text}`);
  return response;
}
