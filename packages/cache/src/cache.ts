/** Opens the cache of a machine: puts its parts together, and turns what goes wrong in them into failures. */
import { mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExpectedBlob } from '@rebake/image';
import { createBlobs } from './blobs.ts';
import { hexOf, inCache } from './errors.ts';
import { createFacts } from './facts.ts';
import { folderAt } from './folder.ts';
import { createShared } from './once.ts';
import { open, type Opened, type OpenOptions } from './open.ts';
import { checkRoom } from './room.ts';
import type { Cache } from './types.ts';
import { beginBlob } from './writer.ts';

/**
 * Opens a folder as the cache. Nothing is read or made before the first call. A folder that holds something else, or that belongs to another
 * user, is refused with `CACHE_UNUSABLE`.
 */
export function openCache(dir: string, options: OpenOptions = {}): Cache {
  const folder = folderAt(resolve(dir));
  let opening: Promise<Opened> | undefined;
  let ready: Opened | undefined;
  let isClosed = false;

  async function opened(): Promise<Opened> {
    if (isClosed) throw new Error(`the cache ${folder.dir} was closed`);
    if (ready !== undefined) return ready;
    opening ??= open(folder, options);
    try {
      ready = await opening;
      return ready;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  function current(): Opened {
    if (ready === undefined) throw new Error('the parts of a cache are used when it is open');
    return ready;
  }

  const blobs = createBlobs(opened, current);
  const facts = createFacts(opened, blobs);
  const shared = createShared();
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => inCache(folder.dir, work);

  async function write(expected: ExpectedBlob, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const there = await guarded(async () => blobs.use(expected.digest));
    if (there !== null && (expected.size === undefined || expected.size === there)) return;
    const writer = await guarded(async () => beginBlob(await opened(), blobs));
    let size = 0;
    try {
      for await (const chunk of bytes) {
        await writer.append(chunk);
        size += chunk.byteLength;
        if (expected.size !== undefined && size > expected.size) break;
      }
      await writer.commit(expected);
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  return {
    dir: folder.dir,
    path: (digest) => folder.blob(hexOf(digest)),
    has: async (digest) => guarded(async () => blobs.use(digest)),
    read: (digest, range) => guardedBytes(folder.dir, blobs.read(digest, range)),
    // What `bytes` throws is nothing of the cache's.
    write,
    begin: async () => guarded(async () => beginBlob(await opened(), blobs)),
    recall: async (kind, key) => guarded(async () => (await facts.recall<never>(kind, key))?.value ?? null),
    keep: async (kind, key, derived) => guarded(async () => facts.keep(kind, key, derived)),
    once: async (kind, key, make, signal) => {
      const work = async (inner: AbortSignal) => {
        const known = await guarded(async () => facts.recall<never>(kind, key));
        if (known !== null) return known.value;
        const derived = await make(inner);
        await guarded(async () => facts.keep(kind, key, derived));
        return derived.value;
      };
      return shared.run(JSON.stringify([kind, key]), work, signal);
    },
    room: async (bytes) => guarded(async () => checkRoom((await opened()).folder.dir, bytes)),
    scratch: async () => guarded(async () => mkdtemp(join((await opened()).run.folder, 'scratch-'))),
    async close() {
      if (isClosed) return;
      isClosed = true;
      const last = await opening?.catch(() => undefined);
      if (last === undefined) return;
      await guarded(async () => {
        try {
          await last.run.end();
        } finally {
          last.db.close();
        }
      });
    },
  };
}

async function* guardedBytes(dir: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await inCache(dir, async () => iterator.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
