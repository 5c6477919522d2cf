/** Reads the locks of a declaration: those beside it, found by their names, and those that it names itself. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { FileProblem, type Digest, type FileHasher } from '@rebake/image';
import type { LoadedLock } from '../contract.ts';
import type { Config } from '../schema.ts';
import { FILE_WORDS } from './file-words.ts';
import { cachedLock, type LockCache } from './lock-cache.ts';

/** What was read. */
export interface ReadLocks {
  /** By absolute path. */
  readonly locks: ReadonlyMap<string, LoadedLock>;
  /** Names of those beside the declaration. */
  readonly names: readonly string[];
  /** Contents of those that could be read. */
  readonly digests: readonly (readonly [path: string, digest: Digest])[];
  /** Paths that were looked at. */
  readonly watched: readonly string[];
  /** Whether all of them are in the cache, and watching their paths is enough: no links were followed. */
  readonly isKept: boolean;
}

const NAME = /^(?:pylock\.[^/]+\.toml|debian\.[^/]+\.lock\.json)$/;

/** Names of what looks like a lock in a folder, sorted; none where it cannot be read. */
export function lockNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .toSorted();
  } catch {
    return [];
  }
}

/** Reads them all. What is wrong with one is told where it is used. */
export async function readLocks(
  file: string,
  config: Config,
  hasher: FileHasher,
  cache: LockCache,
): Promise<ReadLocks> {
  const root = dirname(file);
  const names = lockNames(root);
  const paths = new Set([...names.map((name) => join(root, name)), ...namedLocks(root, config)]);
  const realRoot = realpathSync.native(root);
  const locks = new Map<string, LoadedLock>();
  const digests: [string, Digest][] = [];
  let isKept = true;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const real = realpathSync.native(path);
    if (real !== join(realRoot, relative(root, path))) isKept = false;
    try {
      if (!inside(realRoot, real)) throw new FileProblem('PATH_ESCAPES_ROOT', path);
      const { digest } = hasher.file(path);
      const { lock, kept } = await cachedLock(path, digest, hasher, cache);
      locks.set(path, lock);
      digests.push([path, digest]);
      isKept &&= kept;
    } catch (error) {
      if (!(error instanceof FileProblem)) throw error;
      isKept = false;
      locks.set(path, { kind: 'broken', message: FILE_WORDS[error.code], line: 1, text: () => '' });
    }
  }
  return { locks, names, digests, watched: [...paths], isKept };
}

/** Those that code envs name; one that leads out of the folder was diagnosed before, and is not looked at. */
function namedLocks(root: string, config: Config): string[] {
  const named = Object.values(config.codeEnvs).flatMap((env) => [env, ...Object.values(env.versions ?? {})]);
  return named.flatMap(({ lock }) => {
    const path = lock === undefined ? null : resolve(root, lock);
    return path !== null && inside(root, path) ? [path] : [];
  });
}

function inside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
