/**
 * Runs: each process that uses the cache is one, from its first use to its end, however that comes. It holds a lock of the operating
 * system's on a file of its own, which is dropped with the process; so no process id has to be believed, in no container.
 *
 * Runs are numbered in the order in which they begin: their epoch. Whatever a run uses bears its epoch at least. Prune leaves alone what bears
 * that of the oldest living run, or a later one. No clock is in it.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { loadSqlite, sqliteCode } from '@rebake/image/sqlite';
import type { Database } from './database.ts';
import { FOLDER_MODE, fileAt, type Folder } from './folder.ts';

const SQLITE_BUSY = 5;

export interface Run {
  readonly epoch: number;
  /** Its folder; it goes away with the run. */
  readonly folder: string;
  end(): Promise<void>;
}

/** Runs that have ended without saying so, and the epoch from which on things are in use; null when nobody runs. */
export interface Roll {
  readonly dead: readonly string[];
  readonly inUseFrom: number | null;
}

export async function beginRun(folder: Folder, db: Database): Promise<Run> {
  const { DatabaseSync } = await loadSqlite();
  const id = `${process.pid}-${randomUUID()}`;
  const path = folder.run(id);
  // Between making the file and locking it nobody may look whether it is locked.
  const { epoch, lock, dead } = db.write(() => {
    const { dead: gone } = callRoll(folder, db, DatabaseSync);
    strike(db, gone);
    mkdirSync(path, { mode: FOLDER_MODE });
    const held = new DatabaseSync(join(path, 'lock'), { timeout: 0 });
    held.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    const number = Number(db.sql('UPDATE epochs SET latest = latest + 1 RETURNING latest').get()?.['latest']);
    db.sql('INSERT INTO runs (id, epoch) VALUES (?, ?)').run(id, number);
    return { epoch: number, lock: held, dead: gone };
  });
  await removeRuns(folder, dead);
  return {
    epoch,
    folder: path,
    async end() {
      db.write(() => {
        lock.close();
        strike(db, [id]);
      });
      await removeRuns(folder, [id]);
    },
  };
}

/** Looks who is alive. Only in a write transaction. */
export function callRoll(folder: Folder, db: Database, Sqlite: typeof DatabaseSync): Roll {
  const known = new Map(
    db
      .sql('SELECT id, epoch FROM runs')
      .all()
      .map((row) => [String(row['id']), Number(row['epoch'])]),
  );
  // One that was killed while it began has a folder at most.
  const ids = new Set([...known.keys(), ...readdirSync(folder.runs)]);
  const dead = [...ids].filter((id) => !known.has(id) || !isAlive(join(folder.run(id), 'lock'), Sqlite));
  for (const id of dead) known.delete(id);
  return { dead, inUseFrom: known.size === 0 ? null : Math.min(...known.values()) };
}

/** Takes runs off the list. Only in a write transaction. */
export function strike(db: Database, ids: readonly string[]): void {
  for (const id of ids) db.sql('DELETE FROM runs WHERE id = ?').run(id);
}

export async function removeRuns(folder: Folder, ids: readonly string[]): Promise<void> {
  for (const id of ids) await rm(folder.run(id), { recursive: true, force: true });
}

function isAlive(lock: string, Sqlite: typeof DatabaseSync): boolean {
  if (fileAt(lock) === null) return false;
  let db: DatabaseSync | undefined;
  try {
    db = new Sqlite(lock, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
    return false;
  } catch (error) {
    if (sqliteCode(error) === SQLITE_BUSY) return true;
    throw error;
  } finally {
    db?.close();
  }
}
