// Caches in temporary directories, and what tests do with them.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildFailure, type Digest } from '@rebake/image';
import type { Cache } from '../src/index.ts';

/** A folder that does not exist yet; what is around it goes away with it. */
export function temporaryDir(): { dir: string; parent: string; [Symbol.dispose](): void } {
  const parent = mkdtempSync(join(tmpdir(), 'rebake-cache-'));
  return {
    dir: join(parent, 'cache'),
    parent,
    [Symbol.dispose]: () => rmSync(parent, { recursive: true, force: true }),
  };
}

export function digestOf(content: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Bytes as they come from a network, in pieces. */
export async function* pieces(content: string | Uint8Array, size = 64 << 10): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

export async function put(cache: Cache, content: string | Uint8Array): Promise<Digest> {
  const digest = digestOf(content);
  await cache.write({ digest }, pieces(content));
  return digest;
}

export async function bytesOf(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  return (await bytesOf(bytes)).toString('utf8');
}

/** `CODE: words` of a failure; any other rejection goes on, and so does its absence. */
export async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BuildFailure) return `${error.error.code}: ${error.error.words}`;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Digests of all blobs that are in a folder of the cache, whatever the cache knows of them. */
export function blobFiles(dir: string): Digest[] {
  const folder = join(dir, 'blobs', 'sha256');
  return readdirSync(folder)
    .flatMap((prefix) => readdirSync(join(folder, prefix)))
    .map((name): Digest => `sha256:${name}`)
    .toSorted();
}

export const never: AbortSignal = new AbortController().signal;
