/** Locks for the tests, made when they run: from this machine's package index and its Debian mirror. */
import { createDownloader, openCache } from '@rebake/cache';
import { parseDebianLock, parsePylock } from '@rebake/image/locks';
import type { LockedDeb, LockedPackage } from '@rebake/image';
import { createLocker, pipLogins } from '@rebake/lock';

export interface Locks {
  python(requirements: readonly string[]): Promise<readonly LockedPackage[]>;
  debian(packages: readonly string[]): Promise<readonly LockedDeb[]>;
  close(): Promise<void>;
}

export const GLIBC = '2.36';
export const SUITE = 'bookworm';

/** Resolves with a cache below `folder`. */
export function locksIn(folder: string): Locks {
  const { env } = process;
  const cache = openCache(folder);
  const login = pipLogins({ env, pipConfig: null });
  const download = createDownloader(cache, { env, ca: null, login });
  const locker = createLocker({
    cache,
    download,
    env,
    access: { pipConfig: null, ca: null },
    signal: new AbortController().signal,
    mirror: null,
    log: () => undefined,
  });
  return {
    async python(requirements) {
      const outcome = await locker.python({
        wanted: { interpreter: '3.11', platform: 'linux/amd64', glibc: GLIBC, requirements: {} },
        requirements,
        existing: null,
        upgrade: 'nothing',
        source: async () => 'unknown',
      });
      if (!outcome.ok) throw new Error(outcome.words);
      const parsed = parsePylock(outcome.text);
      if (!parsed.ok) throw new Error(parsed.message);
      return parsed.lock.packages;
    },
    async debian(packages) {
      const roots = ['ca-certificates', 'passwd', 'python3.11', 'python3.11-venv', 'tzdata', ...packages];
      const outcome = await locker.debian({
        suite: SUITE,
        architecture: 'amd64',
        packages: roots,
        below: [],
        mirror: null,
      });
      if (!outcome.ok) throw new Error(outcome.words);
      const parsed = parseDebianLock(outcome.text);
      if (!parsed.ok) throw new Error(parsed.message);
      return parsed.lock.packages;
    },
    async close() {
      await download.close();
      await cache.close();
    },
  };
}
