/**
 * Parsed locks, kept by their content: a lock has thousands of lines that change with every few plans at most, and parsing them all would be
 * most of the time of a start. What counts of one and its packages lie in two files, since a plan seldom looks at the packages.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { BuildFailure, type Digest, type FileHasher } from '@rebake/image';
import type { DebianMadeFrom, LockedDeb, LockedPackage, MadeFrom } from '@rebake/image/locks';
import type { LoadedLock, LockCount } from '../contract.ts';

/** Where they are kept; `folder` null: nowhere. `key` tells what was written by other code. */
export interface LockCache {
  readonly folder: string | null;
  readonly key: () => string;
}

/** What counts of a lock. */
type Summary =
  | {
      readonly kind: 'python';
      readonly counts: readonly LockCount[];
      readonly madeFrom: MadeFrom | null;
      readonly compiles: readonly string[];
    }
  | {
      readonly kind: 'debian';
      readonly counts: readonly LockCount[];
      readonly madeFrom: DebianMadeFrom;
      readonly digest: Digest;
    }
  | { readonly kind: 'broken'; readonly message: string; readonly line: number };

/** A lock without what is read when somebody asks, and its packages. */
export interface ParsedLock {
  readonly summary: Summary;
  readonly packages: readonly LockedPackage[] | readonly LockedDeb[];
}

/** How long what nobody has written again is kept, in milliseconds. */
const KEPT_MS = 60 * 24 * 3_600_000;

/** Reads a lock; parses it only where its content is new. Throws a `FileProblem` for what is wrong with its path. `kept`: by {@link keptLock}. */
export async function cachedLock(
  path: string,
  digest: Digest,
  hasher: FileHasher,
  cache: LockCache,
): Promise<{ readonly lock: LoadedLock; readonly kept: boolean }> {
  const known = keptLock(path, digest, cache);
  if (known !== null) return { lock: known, kept: true };
  const { parseLock } = await import('./lock-parse.ts');
  const { text, digest: read } = hasher.text(path);
  const parsed = parseLock(path, text);
  // It may have been written anew since it was hashed.
  const kept = read === digest && keep(path, parsed, digest, cache);
  return { lock: lockOf(path, parsed.summary, () => parsed.packages), kept };
}

/** A lock whose content was parsed before; null: it was not. */
export function keptLock(path: string, digest: Digest, { folder, key }: LockCache): LoadedLock | null {
  if (folder === null) return null;
  try {
    const kept = JSON.parse(readFileSync(join(folder, fileOf(path, digest)), 'utf8')) as {
      key: string;
      summary: Summary;
    };
    if (kept.key !== key()) return null;
    return lockOf(path, kept.summary, () => packagesIn(folder, path, digest));
  } catch {
    // Missing, cut off, or edited by hand: it is made anew.
    return null;
  }
}

function lockOf(path: string, summary: Summary, packages: () => ParsedLock['packages']): LoadedLock {
  const text = once(() => readFileSync(path, 'utf8'));
  if (summary.kind === 'broken') return { ...summary, text };
  return summary.kind === 'python'
    ? { ...summary, text, packages: once(packages) as () => readonly LockedPackage[] }
    : { ...summary, text, packages: once(packages) as () => readonly LockedDeb[] };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function packagesIn(folder: string, path: string, digest: Digest): ParsedLock['packages'] {
  const file = join(folder, packagesFileOf(path, digest));
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ParsedLock['packages'];
  } catch {
    // Else the next start would believe it again.
    rmSync(join(folder, fileOf(path, digest)), { force: true });
    throw lostLock(file);
  }
}

/** The failure for what was kept of a lock and is not there any more. It is made anew the next time. */
export function lostLock(file: string): BuildFailure {
  const words = `${file} was removed or changed by somebody else: run rebake again`;
  return new BuildFailure({ code: 'INPUT_MOVED', retry: 'never', words });
}

function keep(path: string, { summary, packages }: ParsedLock, digest: Digest, { folder, key }: LockCache): boolean {
  if (folder === null) return false;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // The packages first: a summary that is there says that they are, too.
    write(join(folder, packagesFileOf(path, digest)), JSON.stringify(packages));
    write(join(folder, fileOf(path, digest)), JSON.stringify({ key: key(), summary }));
    return true;
  } catch {
    // A folder that cannot be written to: the next start is slower, and nothing else.
    return false;
  }
}

function write(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Drops what was written long ago and is none of the contents `used`: what is in use may be as old as it likes. */
export function forgetOldLocks({ folder }: LockCache, used: Iterable<Digest>): void {
  if (folder === null) return;
  const kept = new Set([...used].map(nameOf));
  const bound = Date.now() - KEPT_MS;
  try {
    for (const name of readdirSync(folder)) {
      if (kept.has(name.slice(0, name.indexOf('.')))) continue;
      const path = join(folder, name);
      if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? bound) < bound) rmSync(path, { force: true });
    }
  } catch {
    // A folder that cannot be read or written to: nothing is forgotten.
  }
}

function nameOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The name of a lock says which kind it is, and so how its content is read. */
function fileOf(path: string, digest: Digest): string {
  return `${nameOf(digest)}${extname(path)}.json`;
}

function packagesFileOf(path: string, digest: Digest): string {
  return `${nameOf(digest)}${extname(path)}.packages.json`;
}
