/** Transactions, and loading node:sqlite. */
import type * as Sqlite from 'node:sqlite';

export { loadSqlite, sqliteCode } from '@rebake/image/sqlite';

/** Runs `work` in one transaction: all of it is durable when this returns, or nothing. */
export function transaction<T>(db: Sqlite.DatabaseSync, work: () => T): T {
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
