/** A locker for tests, with a cache of its own. */
import { createHash } from 'node:crypto';
import { createDownloader, openCache, type Cache, type Downloader, type Env } from '@rebake/cache';
import { parsePylock, type LockedPackage, type MadeFrom, type Pylock } from '@rebake/image/locks';
import {
  createLocker,
  pipLogins,
  type IndexAccess,
  type LockOutcome,
  type Locker,
  type PythonLockRequest,
  type Upgrade,
} from '../src/index.ts';

/** A locker and what it works with. */
export interface Locking extends AsyncDisposable {
  readonly cache: Cache;
  readonly download: Downloader;
  readonly locker: Locker;
  readonly log: string[];
  /** Packages that were asked about as sources. */
  readonly sources: LockedPackage[];
  python(lines: readonly string[], options?: PythonOptions): Promise<LockOutcome>;
}

/** What differs from the usual. */
export interface PythonOptions {
  readonly wanted?: Partial<MadeFrom>;
  readonly existing?: string | null;
  readonly upgrade?: Upgrade;
  readonly pins?: NonNullable<PythonLockRequest['pins']>;
}

/** Opens one. */
export function locking(dir: string, env: Env, access: Partial<IndexAccess> = {}): Locking {
  const whole: IndexAccess = { pipConfig: null, ca: null, ...access };
  const cache = openCache(dir);
  const log: string[] = [];
  const sources: LockedPackage[] = [];
  const download = createDownloader(cache, {
    env,
    ca: whole.ca,
    login: pipLogins({ env, pipConfig: whole.pipConfig }),
    ...(whole.proxy === undefined ? {} : { proxy: whole.proxy }),
  });
  const locker = createLocker({
    cache,
    download,
    env,
    access: whole,
    mirror: null,
    signal: new AbortController().signal,
    log: (line) => void log.push(line),
  });
  return {
    cache,
    download,
    locker,
    log,
    sources,
    python: async (lines, { wanted = {}, existing = null, upgrade = 'nothing', pins } = {}) =>
      locker.python({
        ...(pins === undefined ? {} : { pins }),
        wanted: {
          interpreter: '3.11',
          platform: 'linux/amd64',
          glibc: '2.36',
          requirements: requirementsOf(lines),
          ...wanted,
        },
        requirements: lines,
        existing,
        upgrade,
        source: async (locked) => {
          sources.push(locked);
          return locked.name.startsWith('native') ? 'compiles' : 'pure';
        },
      }),
    async [Symbol.asyncDispose]() {
      await download.close();
      await cache.close();
    },
  };
}

function requirementsOf(lines: readonly string[]): MadeFrom['requirements'] {
  return Object.fromEntries(
    lines.map((line) => [
      /^[A-Za-z0-9._-]+/.exec(line)?.[0].toLowerCase() ?? line,
      `sha256:${createHash('sha256').update(line).digest('hex')}` as const,
    ]),
  );
}

/** The text of a lock that was made. */
export function lockedText(outcome: LockOutcome): string {
  if (!outcome.ok) throw new Error(outcome.words);
  return outcome.text;
}

/** A lock that was made, read again. */
export function lockOf(outcome: LockOutcome): Pylock {
  const parsed = parsePylock(lockedText(outcome));
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.lock;
}

/** `NAME VERSION` of all its packages. */
export function versionsOf(outcome: LockOutcome): readonly string[] {
  return lockOf(outcome).packages.map(({ name, version }) => `${name} ${version}`);
}
