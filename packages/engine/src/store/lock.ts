/**
 * The one lock for changing things: an open write transaction on a tiny database of its own. The operating system drops it with the
 * process, however that ends, so there are no stale locks to clean up; who holds it stands in a file beside it.
 */
import type { LockHolder } from '@rebake/sdk';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadSqlite, sqliteCode } from './database.ts';

/** Outcome of taking the lock. */
export type Locked =
  | { readonly ok: true; release(): Promise<void> }
  | { readonly ok: false; readonly holder: LockHolder | null };

const SQLITE_BUSY = 5;

/** Takes the lock of a state file, or says who holds it. Never waits. */
export async function takeLock(stateFile: string, holder: LockHolder): Promise<Locked> {
  const { DatabaseSync } = await loadSqlite();
  const file = `${stateFile}.lock`;
  const holderFile = `${stateFile}.holder.json`;
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (sqliteCode(error) !== SQLITE_BUSY) throw error;
    return { ok: false, holder: readHolder(holderFile) };
  }
  chmodSync(file, 0o600);
  writeFileSync(holderFile, JSON.stringify(holder), { mode: 0o600 });
  let held = true;
  const release = (): Promise<void> => {
    if (held) {
      held = false;
      // The note goes first: whoever comes after the lock is free must not find it.
      rmSync(holderFile, { force: true });
      db.exec('ROLLBACK');
      db.close();
    }
    return Promise.resolve();
  };
  return { ok: true, release };
}

/** Null when the holder has not written its note yet, or has just gone. */
function readHolder(file: string): LockHolder | null {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<LockHolder> | null;
    if (typeof value?.pid !== 'number' || typeof value.host !== 'string') return null;
    return { pid: value.pid, host: value.host, run: String(value.run), since: String(value.since) };
  } catch {
    return null;
  }
}
