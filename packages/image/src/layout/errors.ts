/** What goes wrong in a layout, in one vocabulary: what the operating system or a document says becomes a `BuildFailure`. */
import { isDigest } from '../digest.ts';
import { InvalidDocument } from '../oci/checks.ts';
import { BuildFailure, type BuildError, type Digest } from '../types.ts';

/** A failure that stays one however often it is tried. */
export function failure(code: string, words: string, cause?: unknown): BuildFailure {
  return make({ code, retry: 'never', words }, cause);
}

/** A failure that a moment later may be none. */
export function passing(code: string, words: string): BuildFailure {
  return make({ code, retry: 'backoff', words });
}

function make(error: BuildError, cause?: unknown): BuildFailure {
  return new BuildFailure(error, cause === undefined ? {} : { cause });
}

/** Runs what reads or writes a layout: errors of system calls and of documents come out as failures, all others as they are. */
export async function inLayout<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw layoutFailure(error, dir);
  }
}

/** An error as a failure of the layout, if it is one. */
export function layoutFailure(error: unknown, dir: string): unknown {
  if (error instanceof InvalidDocument) return failure('LAYOUT_INVALID', `${dir}: ${error.message}`, error);
  const code = error instanceof Error && 'syscall' in error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return error;
  const words = `${dir}: ${(error as Error).message}`;
  return failure(code === 'ENOSPC' || code === 'EDQUOT' ? 'LAYOUT_FULL' : 'LAYOUT_UNUSABLE', words, error);
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** A digest becomes a path: what is none never gets that far. */
export function checkedDigest(digest: string): Digest {
  if (!isDigest(digest)) throw failure('REFERENCE_INVALID', `${JSON.stringify(digest.slice(0, 100))} is not a digest`);
  return digest;
}
