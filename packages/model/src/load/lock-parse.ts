/** Turns the text of a lock into what counts of it and its packages. Loaded only where there is a lock that was not parsed before. */
import { basename } from 'node:path';
import { compareBytes, digestOf, type Digest } from '@rebake/image';
import { debianLockDigest, lockDigests, parseDebianLock, parsePylock } from '@rebake/image/locks';
import type { LockCount } from '../contract.ts';
import type { ParsedLock } from './lock-cache.ts';

/** Parses a lock; which kind it is its name says. */
export function parseLock(path: string, text: string): ParsedLock {
  return basename(path).endsWith('.json') ? debian(text) : python(text);
}

function python(text: string): ParsedLock {
  const parsed = parsePylock(text);
  if (!parsed.ok) return broken(parsed);
  const { packages, madeFrom, compiles } = parsed.lock;
  const counts = packages.map((one) => ({
    name: one.name,
    digest: lockDigests(one),
    shown: one.version ?? (one.wheels[0] ?? one.sdist)?.name ?? '',
  }));
  return {
    summary: { kind: 'python', counts: eachOnce(counts), madeFrom, compiles },
    packages: packages.toSorted(byName),
  };
}

function debian(text: string): ParsedLock {
  const parsed = parseDebianLock(text);
  if (!parsed.ok) return broken(parsed);
  const { packages, madeFrom } = parsed.lock;
  const counts = packages.map(({ name, version, architecture, digest }) => ({
    name,
    digest: digestOf([version, architecture, digest]),
    shown: version,
  }));
  return {
    summary: { kind: 'debian', counts: eachOnce(counts), madeFrom, digest: debianLockDigest(parsed.lock) },
    packages: packages.toSorted(byName),
  };
}

function broken({ message, line }: { readonly message: string; readonly line?: number }): ParsedLock {
  return { summary: { kind: 'broken', message, line: line ?? 1 }, packages: [] };
}

/** A package may stand in a lock several times, for one condition each. */
function eachOnce(counts: readonly LockCount[]): LockCount[] {
  const byName = new Map<string, LockCount[]>();
  for (const one of counts) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
  return [...byName]
    .map(([name, several]) => ({
      name,
      digest: together(several.map(({ digest }) => digest)),
      shown: [...new Set(several.map(({ shown }) => shown))].toSorted(compareBytes).join(' | '),
    }))
    .toSorted((a, b) => compareBytes(a.name, b.name));
}

/** The order of a lock does not count; of conditions of one name neither. */
function byName(a: Sortable, b: Sortable): number {
  return (
    compareBytes(a.name, b.name) ||
    compareBytes(a.version ?? '', b.version ?? '') ||
    compareBytes(a.marker ?? '', b.marker ?? '')
  );
}

interface Sortable {
  readonly name: string;
  readonly version: string | null;
  readonly marker?: string | null;
}

function together(digests: readonly Digest[]): Digest {
  const [only, ...more] = digests;
  return only !== undefined && more.length === 0 ? only : digestOf(digests.toSorted(compareBytes));
}
