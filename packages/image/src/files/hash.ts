/** Hashing file contents in chunks, so that a file of many GB costs one small buffer. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import type { Digest } from '../types.ts';
import { FileProblem, fileProblem } from './problem.ts';

const CHUNK_BYTES = 1 << 20;

// One buffer for all: the functions that use it are synchronous.
let chunk: Buffer | undefined;

/** A digest together with the stat that belongs to exactly these bytes. */
export interface Hashed {
  readonly digest: Digest;
  readonly stat: BigIntStats;
}

/**
 * Hashes a file, and asks for its stat before and after: when they differ the file was written meanwhile and is read again. `check` sees
 * each stat before anything is read, so that a pipe or a device is refused and not waited for.
 */
export function hashFileSync(path: string, check: (stat: BigIntStats) => void): Hashed {
  for (let attempt = 0; attempt < 3; attempt++) {
    const hashed = hashOnce(path, check);
    if (hashed !== null) return hashed;
  }
  throw new FileProblem('FILE_CHANGED', path);
}

function hashOnce(path: string, check: (stat: BigIntStats) => void): Hashed | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw fileProblem(error, path);
  }
  try {
    const before = fstatSync(fd, { bigint: true });
    check(before);
    chunk ??= Buffer.allocUnsafe(CHUNK_BYTES);
    const hash = createHash('sha256');
    let read: number;
    while ((read = readSync(fd, chunk, 0, chunk.length, null)) > 0) hash.update(chunk.subarray(0, read));
    const after = fstatSync(fd, { bigint: true });
    if (before.size !== after.size || before.mtimeNs !== after.mtimeNs || before.ctimeNs !== after.ctimeNs) return null;
    return { digest: `sha256:${hash.digest('hex')}`, stat: after };
  } catch (error) {
    throw fileProblem(error, path);
  } finally {
    closeSync(fd);
  }
}

/** Digest of a file, read as a stream; nothing is cached. Rejects with a `FileProblem`. */
export async function digestFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: CHUNK_BYTES })) hash.update(bytes as Buffer);
  } catch (error) {
    throw fileProblem(error, path);
  }
  return `sha256:${hash.digest('hex')}`;
}
