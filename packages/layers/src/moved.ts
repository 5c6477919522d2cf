/** Files of this machine that have to be what they were when the plan was made. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { digestFile, FileProblem, type BuildFailure, type Digest } from '@rebake/image';
import { failure } from './failures.ts';

const READ_BYTES = 512 << 10;

/** The bytes of a file; rejects with `INPUT_MOVED` after the last one if it is not the file that was expected. */
export async function* checked(file: string, expected: Digest): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(file, { highWaterMark: READ_BYTES })) {
      hash.update(piece as Buffer);
      yield piece as Buffer;
    }
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? moved(file, error) : error;
  }
  if (`sha256:${hash.digest('hex')}` !== expected) throw moved(file);
}

/** Rejects with `INPUT_MOVED` if it is not the file that was expected. */
export async function checkMoved(file: string, expected: Digest, cause: unknown): Promise<void> {
  let now: Digest;
  try {
    now = await digestFile(file);
  } catch (error) {
    throw error instanceof FileProblem ? moved(file, error) : error;
  }
  if (now !== expected) throw moved(file, cause);
}

export function moved(file: string, cause?: unknown): BuildFailure {
  return failure('INPUT_MOVED', `${file} changed since the plan was made; plan again`, cause);
}
