/** Reads the locks of a declaration: those beside it, found by their names, and those that it names itself. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, parse, relative, resolve, sep } from 'node:path';
import { compareBytes, FileProblem, fileProblem, type Digest, type FileHasher } from '@rebake/image';
import type { LoadedLock } from '../contract.ts';
import type { Config } from '../schema.ts';
import { FILE_WORDS } from './file-words.ts';
import { cachedLock, forgetOldLocks, type LockCache } from './lock-cache.ts';

/** What was read. */
export interface ReadLocks {
  /** By absolute path. */
  readonly locks: ReadonlyMap<string, LoadedLock>;
  /** Those that the declaration names, relative to the root; see {@link lockPaths}. */
  readonly named: readonly string[];
  /** Those that are there. */
  readonly paths: readonly string[];
  /** Contents of those that could be read. */
  readonly digests: readonly (readonly [path: string, digest: Digest])[];
  /** Whether all of them are in the cache, and watching their paths is enough: no links were followed. */
  readonly isKept: boolean;
}

const NAME = /^(?:pylock\.[^/]+\.toml|debian\.[^/]+\.lock\.json)$/;

/**
 * Paths of locks that are there, sorted, relative to the root: what looks like one beside the declaration, and `named` ones with all their
 * variants, whose names go on behind the stem with `--`.
 */
export function lockPaths(root: string, named: readonly string[]): string[] {
  const found = namesIn(root).filter((name) => NAME.test(name));
  for (const one of new Set(named)) {
    const { dir, name: stem, ext } = parse(one);
    const variants = namesIn(join(root, dir)).filter((name) => name.startsWith(`${stem}--`) && name.endsWith(ext));
    for (const name of [...variants, ...(existsSync(join(root, one)) ? [parse(one).base] : [])])
      found.push(join(dir, name));
  }
  return [...new Set(found)].toSorted(compareBytes);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not there, or not to be read: then neither are locks in it.
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
  const named = namedLocks(root, config);
  const paths = lockPaths(root, named);
  const realRoot = realpathSync.native(root);
  const locks = new Map<string, LoadedLock>();
  const digests: [string, Digest][] = [];
  let isKept = true;
  for (const one of paths) {
    const path = join(root, one);
    try {
      const real = realPath(path);
      if (real !== join(realRoot, relative(root, path))) isKept = false;
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
  if (locks.size > 0)
    forgetOldLocks(
      cache,
      digests.map(([, digest]) => digest),
    );
  return { locks, named, paths, digests, isKept };
}

/** Where a path leads. Throws a `FileProblem` for a link that leads nowhere, or in a circle. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    throw fileProblem(error, path);
  }
}

/** Those that code envs name; one that leads out of the folder was diagnosed before, and is not looked at. */
function namedLocks(root: string, config: Config): string[] {
  const named = Object.values(config.codeEnvs).flatMap((env) => [env, ...Object.values(env.versions ?? {})]);
  return named.flatMap(({ lock }) => {
    const path = lock === undefined ? null : resolve(root, lock);
    return path !== null && inside(root, path) ? [relative(root, path)] : [];
  });
}

function inside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
