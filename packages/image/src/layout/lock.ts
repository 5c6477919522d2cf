/**
 * The lock of a layout, for the moments in which names or the set of blobs change: an open write transaction on an empty database of its
 * own. The operating system drops it with the process, however that ends.
 */
import { accessSync, constants } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadSqlite, sqliteCode } from '../sqlite.ts';
import { failure, passing } from './errors.ts';

const SQLITE_BUSY = 5;
/** Bounds of the pause before looking again, in milliseconds: random between them, so that two that wait do not wait in step. */
const PAUSE_MS = [2, 20] as const;

export interface Lock {
  /** Runs `work` while nobody else, in this process or another one, has the lock. Not reentrant. */
  use<T>(work: () => Promise<T>): Promise<T>;
}

export function createLock(file: string, patienceMs: number): Lock {
  // Those of this process wait in order; only the first of them asks the operating system.
  let tail: Promise<unknown> = Promise.resolve();

  async function held<T>(work: () => Promise<T>): Promise<T> {
    const release = await take(file, patienceMs);
    try {
      return await work();
    } finally {
      release();
    }
  }

  return {
    async use(work) {
      const mine = tail.then(async () => held(work));
      tail = mine.catch(() => undefined);
      return mine;
    },
  };
}

async function take(file: string, patienceMs: number): Promise<() => void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const release = await tryTake(file);
    if (release !== null) return release;
    if (performance.now() >= until) {
      throw passing('LAYOUT_BUSY', `${file}: another process has held the lock for ${patienceMs / 1000} s`);
    }
    await sleep(PAUSE_MS[0] + Math.random() * (PAUSE_MS[1] - PAUSE_MS[0]));
  }
}

async function tryTake(file: string): Promise<(() => void) | null> {
  const { DatabaseSync } = await loadSqlite();
  let db: InstanceType<typeof DatabaseSync> | undefined;
  try {
    const opened = new DatabaseSync(file, { timeout: 0 });
    db = opened;
    // On a file that may only be read a transaction begins all the same, and excludes nobody.
    accessSync(file, constants.W_OK);
    opened.exec('BEGIN EXCLUSIVE');
    return () => opened.close();
  } catch (error) {
    db?.close();
    const code = sqliteCode(error);
    if (code === SQLITE_BUSY) return null;
    if (code === null) throw error;
    throw failure('LAYOUT_UNUSABLE', `${file}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
