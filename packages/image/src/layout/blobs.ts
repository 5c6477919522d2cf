/** Blobs that are there: their sizes, their bytes, and keeping them from a sweep. A symbolic link among them counts as missing. */
import { constants } from 'node:fs';
import { lstat, open, utimes, type FileHandle } from 'node:fs/promises';
import { InvalidDocument } from '../oci/checks.ts';
import { checkDigest } from '../oci/documents.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { checkedDigest, failure, inLayout, isMissing } from './errors.ts';
import type { Place } from './place.ts';
import type { BlobRange, ExpectedBlob } from './types.ts';

const READ_BYTES = 256 << 10;
/** A blob that was written or asked for within this time, in milliseconds, need not be marked again. */
const FRESH_MS = 60_000;

export interface BlobFacts {
  readonly size: number;
  /** When it was written or last asked for. */
  readonly mtimeMs: number;
}

export interface Blobs {
  /** Null where there is none. */
  facts(digest: Digest): Promise<BlobFacts | null>;
  /** Whether all are there with the sizes that are expected. */
  present(expected: readonly ExpectedBlob[]): Promise<boolean>;
  /**
   * Whether all are there with the sizes that are expected. If so they count as just written, so that a sweep leaves whoever asked the time
   * to use them. Not with the lock: it takes it.
   */
  claim(expected: readonly ExpectedBlob[]): Promise<boolean>;
  read(digest: Digest, range?: BlobRange): AsyncIterable<Uint8Array>;
  readDocument(digest: Digest, maxBytes: number): Promise<Uint8Array>;
}

export function createBlobs(place: Place): Blobs {
  const { dir } = place;

  async function facts(digest: Digest): Promise<BlobFacts | null> {
    try {
      const stat = await lstat(place.blob(digest));
      return stat.isFile() ? { size: stat.size, mtimeMs: stat.mtimeMs } : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** The oldest time of all, or null if one is missing. */
  async function oldest(expected: readonly ExpectedBlob[]): Promise<number | null> {
    let time = Infinity;
    for (const { digest, size } of expected) {
      const found = await facts(digest);
      if (found === null || (size !== undefined && found.size !== size)) return null;
      time = Math.min(time, found.mtimeMs);
    }
    return time;
  }

  async function claim(expected: readonly ExpectedBlob[]): Promise<boolean> {
    for (const { digest } of expected) checkedDigest(digest);
    return inLayout(dir, async () => {
      if (!(await place.exists())) return false;
      const time = await oldest(expected);
      if (time === null) return false;
      if (time > Date.now() - FRESH_MS) return true;
      try {
        // With the lock no sweep is between looking at a time and removing what was too old.
        return await place.lock.use(async () => {
          if ((await oldest(expected)) === null) return false;
          const now = new Date();
          for (const { digest } of expected) await utimes(place.blob(digest), now, now);
          return true;
        });
      } catch (error) {
        // A layout that may only be read: whoever sweeps it is none of ours.
        if (isRefusal(error)) return true;
        throw error;
      }
    });
  }

  /** The open blob, and its size. */
  async function opened(digest: Digest): Promise<{ file: FileHandle; size: number }> {
    checkedDigest(digest);
    if (!(await place.exists())) throw missing(dir, digest);
    let file: FileHandle;
    try {
      file = await open(place.blob(digest), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (isMissing(error) || isLink(error)) throw missing(dir, digest);
      throw error;
    }
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw missing(dir, digest);
      return { file, size: stat.size };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async function* read(digest: Digest, range: BlobRange = {}): AsyncGenerator<Uint8Array> {
    let at = range.offset ?? 0;
    if (!Number.isSafeInteger(at) || at < 0) throw new RangeError(`an offset of ${at} bytes`);
    const { file, size } = await inLayout(dir, async () => opened(digest));
    try {
      const end = Math.min(size, at + Math.max(0, range.length ?? size));
      while (at < end) {
        const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at));
        const { bytesRead } = await inLayout(dir, async () => file.read(chunk, 0, chunk.byteLength, at));
        if (bytesRead === 0) throw failure('BLOB_MISMATCH', `${place.blob(digest)} became shorter while it was read`);
        at += bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async function readDocument(digest: Digest, maxBytes: number): Promise<Uint8Array> {
    return inLayout(dir, async () => {
      const chunks: Uint8Array[] = [];
      const limit = { length: maxBytes + 1 };
      for await (const chunk of read(digest, limit)) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.byteLength > maxBytes)
        throw failure('LAYOUT_INVALID', `${dir}: ${digest} has more than ${maxBytes} bytes`);
      try {
        checkDigest(bytes, digest);
      } catch (error) {
        if (!(error instanceof InvalidDocument)) throw error;
        throw failure('BLOB_MISMATCH', `${place.blob(digest)}: ${error.message}`, error);
      }
      return bytes;
    });
  }

  const present = async (expected: readonly ExpectedBlob[]): Promise<boolean> => (await oldest(expected)) !== null;

  return { facts, present, claim, read, readDocument };
}

export function missing(dir: string, digest: Digest): BuildFailure {
  return failure('BLOB_MISSING', `${dir}: there is no blob ${digest}`);
}

/** Opening a symbolic link that is not to be followed. */
function isLink(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOOP';
}

function isRefusal(error: unknown): boolean {
  if (error instanceof BuildFailure) return error.error.code === 'LAYOUT_UNUSABLE';
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EROFS'].includes(String(error.code));
}
