/** The tables of `.rebake/state.db` and their versions: what an older rebake wrote is brought up to date when it is opened. */
import { BuildFailure } from '@rebake/sdk';
import type { DatabaseSync } from 'node:sqlite';
import { transaction } from './database.ts';

/**
 * One script a version, in order; a file of version n has run the first n. Never edit one that was released: append.
 * `entries.entry` is null for a forgotten node: its version goes on counting, so that no old plan can match a new entry.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE entries (node TEXT PRIMARY KEY, version INTEGER NOT NULL, entry TEXT) STRICT, WITHOUT ROWID;
   CREATE TABLE failures (node TEXT PRIMARY KEY, failure TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE capabilities (builder TEXT PRIMARY KEY, capabilities TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE history (seq INTEGER PRIMARY KEY, run TEXT NOT NULL, node TEXT NOT NULL, row TEXT NOT NULL) STRICT;
   CREATE INDEX history_node ON history (node, seq);
   CREATE INDEX history_run ON history (run, seq);`,
];

/** Version of the tables that this rebake writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a database to {@link SCHEMA_VERSION}. A newer one is refused with `STATE_TOO_NEW`: guessing would lose data. */
export function migrate(db: DatabaseSync, file: string, lineage: () => string): void {
  if (versionOf(db) === SCHEMA_VERSION) return;
  transaction(db, () => {
    // Read again under the write lock: another process may have been first.
    const found = versionOf(db);
    if (found > SCHEMA_VERSION) {
      const words = `${file} has schema version ${found}, this rebake knows up to ${SCHEMA_VERSION}: use the rebake that wrote it`;
      throw new BuildFailure({ code: 'STATE_TOO_NEW', retry: 'never', words });
    }
    for (const script of MIGRATIONS.slice(found)) db.exec(script);
    db.prepare("INSERT OR IGNORE INTO meta (key, value) VALUES ('lineage', ?)").run(lineage());
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}
