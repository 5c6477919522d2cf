/** Images on disk, in all the forms in which they come. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Digest, FileSet, Platform } from '@rebake/image';
import { sha256, tarOf } from './rig.ts';

/** A file of an archive or of a folder. */
export type Files = ReadonlyMap<string, Buffer>;

export interface TestImage {
  readonly config: Buffer;
  readonly identity: Digest;
  /** Tars, the lowest first. */
  readonly layers: readonly Buffer[];
}

export async function testImage(texts: readonly string[], platform: Platform = 'linux/amd64'): Promise<TestImage> {
  const layers = await Promise.all(texts.map(async (text, i) => tarOf([{ name: `file-${i}`, content: text }])));
  const [os, architecture] = platform.split('/');
  const config = Buffer.from(
    JSON.stringify({ os, architecture, config: {}, rootfs: { type: 'layers', diff_ids: layers.map(sha256) } }),
  );
  return { config, identity: sha256(config), layers };
}

const blob = (bytes: Uint8Array): string => `blobs/sha256/${sha256(bytes).slice(7)}`;
const describe = (mediaType: string, bytes: Uint8Array): object => ({
  mediaType,
  digest: sha256(bytes),
  size: bytes.byteLength,
});
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export interface Named {
  readonly image: TestImage;
  readonly name?: string;
  /** Of the entry in the index; none where it is left out. */
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** An OCI image layout. `nested`: with an index in the index. */
export function ociFiles(images: readonly Named[], nested = false): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const add = (bytes: Buffer): Buffer => (files.set(blob(bytes), bytes), bytes);
  const manifests = images.map(({ image, name, platform }) => {
    const layers = image.layers.map((tar) =>
      describe('application/vnd.oci.image.layer.v1.tar+gzip', add(gzipSync(tar))),
    );
    const config = describe('application/vnd.oci.image.config.v1+json', add(image.config));
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = add(json({ schemaVersion: 2, mediaType, config, layers }));
    const annotations = name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } };
    return { ...describe(mediaType, manifest), ...(platform === undefined ? {} : { platform }), ...annotations };
  });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const index = json({ schemaVersion: 2, mediaType, manifests });
  files.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  files.set(
    'index.json',
    nested ? json({ schemaVersion: 2, mediaType, manifests: [describe(mediaType, add(index))] }) : index,
  );
  return files;
}

/** What `docker save` of before version 25 writes: layers as plain tars, those that come again as links. */
export async function savedTar(
  images: readonly { readonly image: TestImage; readonly tags: readonly string[] | null }[],
): Promise<Buffer> {
  const entries: Parameters<typeof tarOf>[0][number][] = [];
  const first = new Map<string, string>();
  const manifest = images.map(({ image, tags }, n) => {
    const config = `${image.identity.slice(7)}.json`;
    entries.push({ name: config, content: image.config as unknown as string });
    const layers = image.layers.map((tar, i) => {
      const path = `image${n}layer${i}/layer.tar`;
      const known = first.get(sha256(tar));
      if (known === undefined) entries.push({ name: path, content: tar as unknown as string });
      else entries.push({ name: path, type: 'symlink', linkname: `../${known}` });
      first.set(sha256(tar), path);
      return path;
    });
    return { Config: config, RepoTags: tags, Layers: layers };
  });
  return tarOf([...entries, { name: 'manifest.json', content: JSON.stringify(manifest) }]);
}

export async function asTar(files: Files): Promise<Buffer> {
  return tarOf([...files].map(([name, content]) => ({ name, content: content as unknown as string })));
}

/** Files as the plan names them. */
export function write(root: string, files: Files): FileSet {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
  }
  return fileSet(root, [...files.keys()]);
}

export function fileSet(root: string, paths: readonly string[]): FileSet {
  return { root, files: paths.map((path) => ({ path, digest: sha256(readFileSync(join(root, path))), exec: false })) };
}
