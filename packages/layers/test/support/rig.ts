/** What tests of layers share: a cache of their own, entries in few words, and layers of other tools' tars. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openCache, type Cache } from '@rebake/cache';
import { BuildFailure, type BlobRange, type Digest } from '@rebake/image';
import { pack, type Header } from 'tar-stream';
import { onTestFinished } from 'vitest';
import type { Layer, LayerSource, TreeEntry } from '../../src/index.ts';

export const signal: AbortSignal = new AbortController().signal;

export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rebake-layers-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function temporaryCache(): Cache {
  const cache = openCache(join(temporaryFolder(), 'cache'));
  onTestFinished(async () => cache.close());
  return cache;
}

const owned = { uid: 0, gid: 0 };

export function file(path: string, content: string | Uint8Array = '', mode = 0o644): TreeEntry {
  const bytes = Buffer.from(content);
  return { path, type: 'file', mode, ...owned, size: bytes.length, bytes: async () => Promise.resolve(bytes) };
}

export function folder(path: string, mode = 0o755): TreeEntry {
  return { path, type: 'directory', mode, ...owned };
}

export function symlink(path: string, target: string): TreeEntry {
  return { path, type: 'symlink', mode: 0o777, ...owned, target };
}

export function hardlink(path: string, target: string): TreeEntry {
  return { path, type: 'hardlink', mode: 0o644, ...owned, target };
}

export function sha256(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}

/** Bytes as they come from somewhere: in pieces of one size. */
export async function* inPieces(bytes: Uint8Array, size = 64 << 10): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

export function sourceOf(cache: Cache, layer: Layer): LayerSource {
  return { ...layer, read: (range?: BlobRange) => cache.read(layer.digest, range) };
}

/** A tar that another tool made, as a layer that is not in the cache. `reads` counts how often it was asked for. */
export function foreignLayer(tar: Buffer): LayerSource & { readonly reads: () => number } {
  const blob = gzipSync(tar);
  let reads = 0;
  return {
    diffId: sha256(tar),
    digest: sha256(blob),
    size: blob.length,
    mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    read: (range) => {
      reads++;
      return inPieces(
        blob.subarray(range?.offset ?? 0, range?.length === undefined ? undefined : (range.offset ?? 0) + range.length),
      );
    },
    reads: () => reads,
  };
}

/** A tar as `tar-stream` writes it, with any headers at all. */
export async function tarOf(
  entries: readonly (Partial<Header> & { readonly name: string; readonly content?: string })[],
): Promise<Buffer> {
  const packed = pack();
  const bytes = collect(packed as AsyncIterable<Uint8Array>);
  for (const { content = '', ...header } of entries) {
    if (header.type === undefined || header.type === 'file') packed.entry(header, content);
    else packed.entry(header, '');
  }
  packed.finalize();
  return bytes;
}

/** GNU tar's words on a tar. */
export function gnuTar(options: readonly string[], tar: Uint8Array): string {
  return execFileSync('tar', options, {
    input: tar,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof BuildFailure) return `${error.error.code}: ${error.error.words}`;
  throw error;
}
