/**
 * What the cache knows of its blobs and facts. Whatever changes together with files changes within one write transaction, so that of
 * several processes one at a time adds or removes.
 */
import { chmodSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { loadSqlite, sqliteCode } from '@rebake/image/sqlite';
import { failure } from './errors.ts';
import { FILE_MODE } from './folder.ts';

const VERSION = 1;
const SQLITE_BUSY = 5;
/** How long others may hold the database, in milliseconds. Nobody needs it for longer than a moment. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 5;

/**
 * `boot`: the boot in which a blob was written, empty once it was read back in a later one. `epoch`: the latest run that used it; see runs.ts.
 */
const SCHEMA = `
CREATE TABLE blobs (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, boot TEXT NOT NULL, used_at INTEGER NOT NULL, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, used_at INTEGER NOT NULL, epoch INTEGER NOT NULL, UNIQUE (kind, key));
CREATE TABLE fact_blobs (fact INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (fact, digest)) WITHOUT ROWID;
CREATE INDEX fact_blobs_by_digest ON fact_blobs (digest);
CREATE TABLE runs (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE epochs (latest INTEGER NOT NULL);
INSERT INTO epochs VALUES (0);
PRAGMA user_version = ${VERSION};
`;

export interface Database {
  /** A statement, prepared once. */
  sql(text: string): StatementSync;
  /** Runs `work` in a write transaction of its own; what it throws undoes it. */
  write<T>(work: () => T): T;
  /** Runs `work` in one write transaction with whatever else is asked for in this turn of the event loop. It must check before it changes. */
  grouped<T>(work: () => T): Promise<T>;
  /** Gives what rows have left behind back to the disk. */
  shrink(): void;
  close(): void;
}

export async function openDatabase(file: string): Promise<Database> {
  const { DatabaseSync } = await loadSqlite();
  const db = new DatabaseSync(file, { timeout: PATIENCE_MS });
  try {
    await prepare(db, file);
  } catch (error) {
    db.close();
    throw error;
  }
  return wrap(db);
}

async function prepare(db: DatabaseSync, file: string): Promise<void> {
  chmodSync(file, FILE_MODE);
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      if (versionOf(db) === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
      // Changing the journal does not wait for others.
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      break;
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_BUSY || performance.now() > until) throw error;
      await sleep(PAUSE_MS);
    }
  }
  if (versionOf(db) === 0) {
    transaction(db, () => {
      if (versionOf(db) === 0) db.exec(SCHEMA);
    });
  }
  const version = versionOf(db);
  if (version === VERSION) return;
  const words = `${file} is of version ${version}, and this rebake knows version ${VERSION}: delete the cache, or name another with REBAKE_CACHE_DIR`;
  throw failure('CACHE_UNUSABLE', words);
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}

function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

type Settled = () => void;

function wrap(db: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>();
  let waiting: { readonly run: () => Settled; readonly reject: (error: unknown) => void }[] = [];
  const write = <T>(work: () => T): T => transaction(db, work);

  function flush(): void {
    const works = waiting;
    waiting = [];
    try {
      // Nobody hears of a result before it is written.
      for (const settle of write(() => works.map(({ run }) => run()))) settle();
    } catch (error) {
      for (const { reject } of works) reject(error);
    }
  }

  return {
    sql(text) {
      const known = statements.get(text) ?? db.prepare(text);
      statements.set(text, known);
      return known;
    },
    write,
    async grouped(work) {
      return new Promise((resolve, reject) => {
        const run = (): Settled => {
          try {
            const result = work();
            return () => resolve(result);
          } catch (error) {
            return () => reject(error);
          }
        };
        waiting.push({ run, reject });
        if (waiting.length === 1) setImmediate(flush);
      });
    },
    shrink: () => db.exec('PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)'),
    close: () => {
      if (waiting.length > 0) flush();
      db.close();
    },
  };
}
