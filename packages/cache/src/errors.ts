/** What goes wrong in the cache, in one vocabulary: what the operating system or SQLite says becomes a `BuildFailure`. */
import { BuildFailure, isDigest, type BuildError, type Digest } from '@rebake/image';
import { sqliteCode } from '@rebake/image/sqlite';

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

export function failure(
  code: string,
  words: string,
  { retry = 'never', cause }: { readonly retry?: BuildError['retry']; readonly cause?: unknown } = {},
): BuildFailure {
  return new BuildFailure({ code, retry, words }, cause === undefined ? {} : { cause });
}

/** Runs what reads or writes the cache: errors of system calls and of SQLite come out as failures, all others as they are. */
export async function inCache<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw cacheFailure(error, dir);
  }
}

export function cacheFailure(error: unknown, dir: string): unknown {
  if (!(error instanceof Error) || error instanceof BuildFailure) return error;
  const words = `the cache ${dir}: ${error.message}`;
  const sqlite = sqliteCode(error);
  if (sqlite !== null) {
    if (sqlite === SQLITE_FULL) return failure('CACHE_FULL', words, { cause: error });
    return failure('CACHE_UNUSABLE', words, { retry: sqlite === SQLITE_BUSY ? 'backoff' : 'never', cause: error });
  }
  const code = 'syscall' in error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return error;
  return failure(code === 'ENOSPC' || code === 'EDQUOT' ? 'CACHE_FULL' : 'CACHE_UNUSABLE', words, { cause: error });
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The hex digits of a digest: what is none never becomes a path. */
export function hexOf(digest: Digest): string {
  if (!isDigest(digest))
    throw failure('REFERENCE_INVALID', `${JSON.stringify(String(digest).slice(0, 100))} is not a digest`);
  return digest.slice('sha256:'.length);
}

export function missing(dir: string, digest: Digest): BuildFailure {
  return failure('BLOB_MISSING', `the cache ${dir} has no blob ${digest}`);
}
