/** One blob that is being written: into a file of this run, hashed on the way, and renamed into its place when all of it is there. */
import { randomUUID } from 'node:crypto';
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest, ExpectedBlob } from '@rebake/image';
import type { Blobs } from './blobs.ts';
import { failure, inCache } from './errors.ts';
import { FILE_MODE, FOLDER_MODE } from './folder.ts';
import type { Opened } from './open.ts';
import type { CacheWriter } from './types.ts';

/** Pieces below this size, in bytes, are put together before they are written. */
const GATHERED_BYTES = 256 << 10;

export async function beginBlob(opened: Opened, blobs: Blobs): Promise<CacheWriter> {
  const { folder, run, db } = opened;
  const path = join(run.folder, randomUUID());
  const file = await open(path, 'wx', FILE_MODE);
  const hash = createHash('sha256');
  let size = 0;
  let gathered: Buffer[] = [];
  let gatheredBytes = 0;
  let hasEnded = false;
  let isBroken = false;
  /** One call after the other, also for who does not wait. */
  let tail: Promise<unknown> = Promise.resolve();

  async function next<T>(work: () => Promise<T>): Promise<T> {
    const mine = tail.then(async () => inCache(folder.dir, work));
    tail = mine.catch(() => undefined);
    return mine;
  }

  async function flush(): Promise<void> {
    const buffers = gathered;
    gathered = [];
    gatheredBytes = 0;
    if (buffers.length > 0) await writeAll(Buffer.concat(buffers));
  }

  async function writeAll(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength;) {
      done += (await file.write(bytes, done, bytes.byteLength - done)).bytesWritten;
    }
  }

  async function end(): Promise<void> {
    if (hasEnded) return;
    hasEnded = true;
    await file.close();
    await rm(path, { force: true });
  }

  function place(hex: string): void {
    const { absent } = blobs.mark([hex]);
    const to = folder.blob(hex);
    // Not over one that is there and believed: a layout may share it.
    if (absent.length === 0 && blobs.areMarked([hex])) return;
    mkdirSync(dirname(to), { recursive: true, mode: FOLDER_MODE });
    renameSync(path, to);
    blobs.note(hex, size);
  }

  return {
    append: async (bytes) =>
      next(async () => {
        if (hasEnded) throw new Error('a writer that has ended takes no more bytes');
        if (isBroken) throw failure('CACHE_UNUSABLE', 'a part of the blob could not be written');
        isBroken = true;
        size += bytes.byteLength;
        if (bytes.byteLength >= GATHERED_BYTES) {
          await flush();
          const written = writeAll(bytes);
          // While the operating system writes.
          hash.update(bytes);
          await written;
        } else {
          hash.update(bytes);
          // Whoever gave the bytes may use their memory again.
          gathered.push(Buffer.from(bytes));
          gatheredBytes += bytes.byteLength;
          if (gatheredBytes >= GATHERED_BYTES) await flush();
        }
        isBroken = false;
      }),

    commit: async (expected = {}) =>
      next(async () => {
        if (hasEnded) throw new Error('a writer that has ended cannot be committed');
        try {
          if (isBroken) throw failure('CACHE_UNUSABLE', 'a part of the blob could not be written');
          await flush();
          const hex = hash.digest('hex');
          const written = { digest: `sha256:${hex}` as Digest, size };
          check(expected, written);
          await db.grouped(() => place(hex));
          return written;
        } finally {
          await end();
        }
      }),

    abort: async () => next(end),
  };
}

function check(expected: Partial<ExpectedBlob>, { digest, size }: Required<ExpectedBlob>): void {
  if (expected.size !== undefined && expected.size !== size) {
    throw failure('BLOB_MISMATCH', `${size} bytes where ${expected.size} were expected`);
  }
  if (expected.digest !== undefined && expected.digest !== digest) {
    throw failure('BLOB_MISMATCH', `the content is that of ${digest}, not of ${expected.digest}`);
  }
}
