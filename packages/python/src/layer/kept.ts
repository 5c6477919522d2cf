/** Bytecode of whole wheels, kept in the cache: a wheel is in many layers, and compiling is what takes longest. */
import { close, openSync, read as readCallback } from 'node:fs';
import { promisify } from 'node:util';
import type { Cache, CacheWriter } from '@rebake/cache';
import type { Digest } from '@rebake/image';

const readAt = promisify(readCallback);

/** Bytecode of one wheel that is kept. */
export interface Kept {
  /** Of the source in a path; null: it does not compile; undefined: nothing is known of it. */
  read(path: string): Promise<Buffer | null | undefined>;
  close(): void;
}

/** Bytecode of one wheel that is being kept. */
export interface Storing {
  add(path: string, bytes: Uint8Array | null): Promise<void>;
  keep(): Promise<void>;
  /** Forgets it. Nothing happens after `keep`. */
  abort(): Promise<void>;
}

/** Sizes by path, in the order in which they stand in the blob; -1 for a source that does not compile. */
type Facts = { readonly blob: Digest; readonly sizes: readonly (readonly [string, number])[] };

const KIND = 'python-bytecode';

export async function recallBytecode(cache: Cache, key: string): Promise<Kept | null> {
  const facts = await cache.recall<Facts>(KIND, key);
  if (facts === null) return null;
  const places = new Map<string, { readonly offset: number; readonly size: number }>();
  let offset = 0;
  for (const [path, size] of facts.sizes) {
    places.set(path, { offset, size });
    offset += Math.max(size, 0);
  }
  let fd: number;
  try {
    fd = openSync(cache.path(facts.blob), 'r');
  } catch {
    // Pruned at this very moment: made again.
    return null;
  }
  return {
    async read(path) {
      const place = places.get(path);
      if (place === undefined) return undefined;
      if (place.size < 0) return null;
      const bytes = Buffer.allocUnsafe(place.size);
      const { bytesRead } = await readAt(fd, bytes, 0, place.size, place.offset);
      return bytesRead === place.size ? bytes : undefined;
    },
    close: () => close(fd),
  };
}

/** Nothing is written before the first `add`. */
export function storeBytecode(cache: Cache, key: string): Storing {
  const sizes: (readonly [string, number])[] = [];
  let writer: CacheWriter | null = null;
  return {
    async add(path, bytes) {
      writer ??= await cache.begin();
      sizes.push([path, bytes === null ? -1 : bytes.byteLength]);
      if (bytes !== null) await writer.append(bytes);
    },
    async keep() {
      if (writer === null) return;
      const { digest } = await writer.commit();
      const facts: Facts = { blob: digest, sizes };
      await cache.keep(KIND, key, { value: facts, blobs: [digest] });
    },
    async abort() {
      await writer?.abort();
    },
  };
}
