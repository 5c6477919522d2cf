/** One blob that is being written: into a temporary file, hashed on the way, and renamed into place when all of it is on the disk. */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { Digest } from '../types.ts';
import { failure, inLayout, isMissing, passing } from './errors.ts';
import { FILE_MODE, syncFolder, type Place } from './place.ts';
import type { BlobWriter, ExpectedBlob } from './types.ts';

/** A write that has begun. The hash goes on where the file ends, so only the process that has it can go on. */
export interface Begun {
  readonly ref: string;
  readonly path: string;
  readonly startedAt: number;
  updatedAt: number;
  offset: number;
  hash: Hash;
  /** After a failed write nobody knows what the file holds. */
  isBroken: boolean;
  /** The writer that has it now. */
  writer: BlobWriter | null;
}

export function begin(ref: string, path: string): Begun {
  const now = Date.now();
  const hash = createHash('sha256');
  return { ref, path, startedAt: now, updatedAt: now, offset: 0, hash, isBroken: false, writer: null };
}

/** Makes the writer that has a write from now on; `opened` rejects when it cannot. `onEnd` is called when the write is over. */
export function takeWriter(
  place: Place,
  state: Begun,
  onEnd: () => void,
): { readonly writer: BlobWriter; readonly opened: Promise<void> } {
  let file: FileHandle | undefined;
  let tail: Promise<unknown> = Promise.resolve();

  /** One call after the other, also for who does not wait. */
  async function next<T>(work: () => Promise<T>): Promise<T> {
    const mine = tail.then(async () => inLayout(place.dir, work));
    tail = mine.catch(() => undefined);
    return mine;
  }

  function current(): FileHandle {
    if (file !== undefined && state.writer === writer) return file;
    throw passing('BLOB_BUSY', `the write of ${state.ref} has ended`);
  }

  async function letGo(): Promise<void> {
    const open = file;
    file = undefined;
    if (state.writer === writer) state.writer = null;
    await open?.close();
  }

  async function drop(): Promise<void> {
    onEnd();
    await letGo();
    await rm(state.path, { force: true });
  }

  function forget(): void {
    state.hash = createHash('sha256');
    state.offset = 0;
    state.isBroken = false;
  }

  async function openFile(): Promise<FileHandle> {
    if (state.offset > 0) {
      try {
        return await open(state.path, constants.O_WRONLY);
      } catch (error) {
        // A sweep took it for a leftover.
        if (!isMissing(error)) throw error;
        forget();
      }
    }
    const made = await open(state.path, 'w', FILE_MODE);
    await made.chmod(FILE_MODE);
    return made;
  }

  async function moveIntoPlace(digest: Digest): Promise<void> {
    try {
      await rename(state.path, place.blob(digest));
    } catch (error) {
      if (isMissing(error)) throw passing('BLOB_BUSY', `${state.ref}: a sweep took it while it was written`);
      throw error;
    }
  }

  const writer: BlobWriter = {
    ref: state.ref,
    get offset() {
      return state.offset;
    },
    digest: () => digestOf(state.hash),

    async append(bytes) {
      return next(async () => {
        const to = current();
        if (state.isBroken) throw broken(state);
        state.isBroken = true;
        const written = writeAll(to, bytes, state.offset);
        // While the operating system writes.
        state.hash.update(bytes);
        await written;
        state.offset += bytes.byteLength;
        state.updatedAt = Date.now();
        state.isBroken = false;
      });
    },

    async restart() {
      return next(async () => {
        await current().truncate(0);
        forget();
      });
    },

    async commit(expected = {}) {
      return next(async () => {
        const from = current();
        try {
          if (state.isBroken) throw broken(state);
          const written = { digest: digestOf(state.hash), size: state.offset };
          check(state.ref, expected, written);
          await from.sync();
          await place.lock.use(async () => moveIntoPlace(written.digest));
          await syncFolder(place.blobs);
          return written;
        } finally {
          await drop();
        }
      });
    },

    async close() {
      return next(async () => (state.isBroken && state.writer === writer ? drop() : letGo()));
    },

    async abort() {
      return next(async () => {
        if (state.writer === writer) await drop();
      });
    },
  };

  state.writer = writer;
  const opened = next(async () => {
    try {
      await place.ready();
      file = await openFile();
    } catch (error) {
      await drop();
      throw error;
    }
  });
  return { writer, opened };
}

function broken({ ref }: Begun): Error {
  return failure('BLOB_MISMATCH', `a part of ${ref} could not be written`);
}

function check(ref: string, expected: Partial<ExpectedBlob>, { digest, size }: Required<ExpectedBlob>): void {
  if (expected.size !== undefined && expected.size !== size) {
    throw failure('BLOB_MISMATCH', `${ref}: ${size} bytes where ${expected.size} were expected`);
  }
  if (expected.digest !== undefined && expected.digest !== digest) {
    throw failure('BLOB_MISMATCH', `${ref}: the content is that of ${digest}, not of ${expected.digest}`);
  }
}

/** Of what came so far; the hash can go on. */
function digestOf(hash: Hash): Digest {
  return `sha256:${hash.copy().digest('hex')}`;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}
