/** Removes what was chosen, a few at a time, while others go on using the cache; what they have used meanwhile stays. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { loadSqlite } from '@rebake/image/sqlite';
import { dropBlob, dropFact } from '../blobs.ts';
import { openDatabase, type Database } from '../database.ts';
import { inCache } from '../errors.ts';
import { fileAt, folderAt, type Folder } from '../folder.ts';
import { callRoll, removeRuns, strike, type Roll } from '../runs.ts';
import { rowsOf } from './rows.ts';
import type { PruneItem, Pruned, PrunePlan } from './types.ts';

/** Removed in one go: nobody else can write meanwhile. */
const AT_A_TIME = 200;

export async function carryOutPrune(dir: string, plan: PrunePlan, signal: AbortSignal): Promise<Pruned> {
  const folder = folderAt(resolve(dir));
  return inCache(folder.dir, async () => {
    const { DatabaseSync } = await loadSqlite();
    const db = await openDatabase(folder.database);
    const gone: PruneItem[] = [];
    try {
      for (let at = 0; at < plan.items.length; at += AT_A_TIME) {
        signal.throwIfAborted();
        const some = plan.items.slice(at, at + AT_A_TIME);
        const removed = db.write(() => {
          const roll = callRoll(folder, db, DatabaseSync);
          return some.filter((item) => remove(folder, db, item, roll));
        });
        gone.push(...removed);
        const ended = removed.flatMap(({ what }) => (what.type === 'run' ? [what.id] : []));
        await removeRuns(folder, ended);
        await turn();
      }
      db.shrink();
    } finally {
      db.close();
    }
    return { rows: rowsOf(gone) };
  });
}

/** Whether it has gone, or can go. Only in a write transaction. */
function remove(folder: Folder, db: Database, { what, usedAt }: PruneItem, { dead, inUseFrom }: Roll): boolean {
  const limit = inUseFrom ?? Number.MAX_SAFE_INTEGER;
  switch (what.type) {
    case 'run':
      if (!dead.includes(what.id)) return false;
      strike(db, [what.id]);
      return true;
    case 'fact': {
      const sql = 'SELECT 1 FROM facts WHERE id = ? AND used_at <= ? AND epoch < ?';
      if (db.sql(sql).get(what.id, usedAt, limit) === undefined) return false;
      dropFact({ db }, what.id);
      return true;
    }
    case 'file': {
      // Somebody has read it back meanwhile, or written it anew.
      if (db.sql('SELECT 1 FROM blobs WHERE digest = ?').get(what.hex) !== undefined) return false;
      if ((fileAt(folder.blob(what.hex))?.mtimeMs ?? Infinity) > usedAt) return false;
      rmSync(folder.blob(what.hex), { force: true });
      return true;
    }
    case 'blob': {
      const sql = 'SELECT 1 FROM blobs WHERE digest = ? AND used_at <= ? AND epoch < ?';
      if (db.sql(sql).get(what.hex, usedAt, limit) === undefined) return false;
      dropBlob({ db }, what.hex);
      // Killed before this is written, the row stays without its file: whoever asks for it finds that out.
      rmSync(folder.blob(what.hex), { force: true });
      return true;
    }
    default:
      return what satisfies never;
  }
}
