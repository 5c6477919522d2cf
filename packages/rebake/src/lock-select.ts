/** Which locks a command is about. */
import { debianLockDifferences, lockDifferences, parseDebianLock, parsePylock } from '@rebake/image/locks';
import { nearest, type Lockable } from '@rebake/model';
import type { Diagnostic } from '@rebake/sdk';
import type { Upgrade } from '@rebake/lock';
import { libraryDiagnostic } from './diagnostics.ts';

/** Locks by the names that a user typed, with the Debian locks below them; or what is wrong with the names. */
export type SelectedLocks =
  | { readonly ok: true; readonly locks: readonly Lockable[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Empty `names`: everything. A name is that of a code env (`glm`, `glm:V2`), of a base image, or whole: `env/python/glm`, `base/python`. */
export function selectLocks(all: readonly Lockable[], names: readonly string[]): SelectedLocks {
  if (names.length === 0) return { ok: true, locks: eachOnce(all) };
  const picked = new Set<Lockable>();
  const diagnostics: Diagnostic[] = [];
  for (const name of names) {
    const exact = all.filter((lock) => lock.name === name || lock.of === name);
    const found = exact.length > 0 ? exact : all.filter((lock) => lock.of === `base/${name}`);
    for (const lock of found) picked.add(lock);
    if (found.length === 0) diagnostics.push(unknown(name, all));
  }
  return diagnostics.length > 0
    ? { ok: false, diagnostics }
    : { ok: true, locks: eachOnce(all.filter((lock) => picked.has(lock))) };
}

/** Each file once: several images may share a lock. */
export function eachOnce(locks: readonly Lockable[]): readonly Lockable[] {
  const firsts = new Map<string, Lockable>();
  for (const lock of locks) if (!firsts.has(lock.file)) firsts.set(lock.file, lock);
  return [...firsts.values()];
}

function unknown(name: string, all: readonly Lockable[]): Diagnostic {
  const known = [...new Set(all.map((lock) => lock.name))];
  const close = nearest(name, known);
  return libraryDiagnostic('LOCK_UNKNOWN', `there is nothing to lock that is called \`${name}\``, {
    help:
      close === null
        ? 'Name a code env with packages, or a base image with packages or Debian packages.'
        : `Did you mean \`${close}\`?`,
  });
}

/** Whether a lock has to be made: it is not what is wanted now, or something in it may move to a newer version. */
export function isDue(lock: Lockable, upgrade: Upgrade): boolean {
  if (lock.state !== 'fresh' || upgrade === 'everything') return true;
  return upgrade !== 'nothing' && lock.text !== null && upgrade.some((name) => holds(lock.kind, lock.text ?? '', name));
}

/** Why a lock has to be made, for the end of a sentence. */
export function dueBecause(lock: Lockable): string {
  if (lock.text === null) return 'missing';
  const differences = differencesOf(lock, lock.text);
  return `not what is declared now: ${differences.join(', ')}`;
}

function differencesOf(lock: Lockable, text: string): readonly string[] {
  if (lock.kind === 'python') {
    const parsed = parsePylock(text);
    return parsed.ok ? lockDifferences(lock.wanted, parsed.lock.madeFrom) : [parsed.message];
  }
  const parsed = parseDebianLock(text);
  if (!parsed.ok) return [parsed.message];
  const { below } = parsed.lock.madeFrom;
  const { suite, platform, packages } = lock;
  const architecture = platform === 'linux/amd64' ? 'amd64' : 'arm64';
  const differences = debianLockDifferences({ suite, architecture, wanted: packages, below }, parsed.lock.madeFrom);
  return differences.length > 0 ? differences : ['the packages below it changed'];
}

function holds(kind: Lockable['kind'], text: string, name: string): boolean {
  if (kind === 'debian') {
    const parsed = parseDebianLock(text);
    return parsed.ok && parsed.lock.packages.some((one) => one.name === name);
  }
  const parsed = parsePylock(text);
  // As locks have it (PEP 503).
  const normal = name.toLowerCase().replaceAll(/[-_.]+/g, '-');
  return parsed.ok && parsed.lock.packages.some((one) => one.name === normal);
}
