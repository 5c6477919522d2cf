/** What of a lock counts, and how what it was made from differs from what is wanted now. */
import { compareBytes } from '../canonical.ts';
import type { Digest } from '../content-address.ts';
import { digestOf } from '../digest.ts';
import type { DebianLock, DebianMadeFrom, LockedPackage, MadeFrom } from './types.ts';

/** Differences that are told one by one; the rest are counted. */
const TOLD = 6;

/** What counts of one package: version, marker, and the digests of its files. Neither names of files nor addresses. */
export function lockDigests({ name, version, marker, direct, wheels, sdist }: LockedPackage): Digest {
  const files = wheels.map(({ digest }) => digest).sort(compareBytes);
  return digestOf({ name, version, marker, direct, files, sdist: sdist?.digest ?? null });
}

/** What counts of a Debian lock for what is put on top of it: names, versions and digests of packages, and the same of what is below. */
export function debianLockDigest({ packages, madeFrom }: DebianLock): Digest {
  const counts = packages
    .map(({ name, version, architecture, digest }) => [name, architecture, version, digest] as const)
    .sort((a, b) => compareBytes(a[0], b[0]) || compareBytes(a[1], b[1]));
  return digestOf([counts, madeFrom.below]);
}

/** In words: `pandas was added`, `the interpreter was 3.10`. Empty: the lock is up to date. */
export function lockDifferences(wanted: MadeFrom, madeFrom: MadeFrom | null): readonly string[] {
  if (madeFrom === null) return ['it does not say what it was made from'];
  return shorten([
    ...was('the interpreter', wanted.interpreter, madeFrom.interpreter),
    ...was('the platform', wanted.platform, madeFrom.platform),
    ...was('glibc', wanted.glibc, madeFrom.glibc),
    ...keys(wanted.requirements, madeFrom.requirements).flatMap((key) => {
      const now = own(wanted.requirements, key);
      const before = own(madeFrom.requirements, key);
      if (now === before) return [];
      return [`${key} was ${before === undefined ? 'added' : now === undefined ? 'removed' : 'changed'}`];
    }),
  ]);
}

/** The same for Debian packages. */
export function debianLockDifferences(wanted: DebianMadeFrom, madeFrom: DebianMadeFrom): readonly string[] {
  const now = new Set(wanted.wanted);
  const before = new Set(madeFrom.wanted);
  return shorten([
    ...was('the suite', wanted.suite, madeFrom.suite),
    ...was('the architecture', wanted.architecture, madeFrom.architecture),
    ...(wanted.below === madeFrom.below ? [] : ['the packages below it changed']),
    ...[...now].filter((name) => !before.has(name)).map((name) => `${name} was added`),
    ...[...before].filter((name) => !now.has(name)).map((name) => `${name} was removed`),
  ]);
}

function was(what: string, now: string, before: string): readonly string[] {
  return now === before ? [] : [`${what} was ${before}`];
}

function own(record: Readonly<Record<string, Digest>>, key: string): Digest | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function keys(a: object, b: object): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort(compareBytes);
}

function shorten(words: readonly string[]): readonly string[] {
  if (words.length <= TOLD) return words;
  return [...words.slice(0, TOLD), `and ${words.length - TOLD} more`];
}
