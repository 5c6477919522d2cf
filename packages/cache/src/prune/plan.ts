/** Chooses what goes: what nobody has used for long, and then the least recently used of what is too much. */
import { lstatSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadSqlite } from '@rebake/image/sqlite';
import { openDatabase, type Database } from '../database.ts';
import { inCache } from '../errors.ts';
import { fileAt, folderAt, folderExists, makeFolder, type Folder } from '../folder.ts';
import { callRoll } from '../runs.ts';
import { rowsOf } from './rows.ts';
import type { PruneItem, PruneOptions, PrunePlan } from './types.ts';

/** What nothing was derived from, or made as: it came from elsewhere. */
const DOWNLOAD = 'download';
const LEFT_OVER = 'unfinished';

/** Looks what of a cache can go. Null: there is no cache. */
export async function planPrune(dir: string, options: PruneOptions): Promise<PrunePlan | null> {
  const folder = folderAt(resolve(dir));
  return inCache(folder.dir, async () => {
    if (!(await folderExists(folder))) return null;
    await makeFolder(folder);
    const db = await openDatabase(folder.database);
    try {
      const { DatabaseSync } = await loadSqlite();
      const { dead, inUseFrom } = db.write(() => callRoll(folder, db, DatabaseSync));
      return choose(survey(folder, db, inUseFrom ?? Infinity), leftOvers(folder, dead), options);
    } finally {
      db.close();
    }
  });
}

/** Something that is there, not judged yet. */
type Thing = Omit<PruneItem, 'why'> & { readonly isInUse: boolean };

function survey(folder: Folder, db: Database, inUseFrom: number): readonly Thing[] {
  const kinds = new Map(
    db
      .sql('SELECT digest, min(kind) AS kind FROM fact_blobs JOIN facts ON facts.id = fact GROUP BY digest')
      .all()
      .map((row) => [String(row['digest']), String(row['kind'])]),
  );
  const known = new Set<string>();
  const blobs = db
    .sql('SELECT digest, used_at, epoch FROM blobs')
    .all()
    .map((row): Thing => {
      const hex = String(row['digest']);
      known.add(hex);
      const file = fileAt(folder.blob(hex));
      const isShared = (file?.nlink ?? 0) > 1;
      const kind = kinds.get(hex) ?? DOWNLOAD;
      const bytes = file?.size ?? 0;
      return {
        what: { type: 'blob', hex },
        kind,
        bytes,
        isShared,
        isPart: false,
        usedAt: Number(row['used_at']),
        isInUse: Number(row['epoch']) >= inUseFrom,
      };
    });
  const facts = db
    .sql(
      `SELECT id, kind, octet_length(value) AS bytes, used_at, epoch, first FROM facts
       LEFT JOIN (SELECT fact, min(digest) AS first FROM fact_blobs GROUP BY fact) ON fact = id`,
    )
    .all()
    .map((row): Thing => {
      const [id, bytes, usedAt] = [Number(row['id']), Number(row['bytes']), Number(row['used_at'])];
      const isPart = row['first'] !== null;
      return {
        what: { type: 'fact', id },
        // It goes with its blobs, and stands in their row.
        kind: (isPart ? kinds.get(String(row['first'])) : undefined) ?? String(row['kind']),
        bytes,
        isShared: false,
        isPart,
        usedAt,
        isInUse: Number(row['epoch']) >= inUseFrom,
      };
    });
  return [...blobs, ...facts, ...strays(folder, known)];
}

/** Files that no row knows: a process was killed between putting one in its place and noting it. */
function strays(folder: Folder, known: ReadonlySet<string>): readonly Thing[] {
  const hexes = readdirSync(folder.blobs).flatMap((prefix) => readdirSync(join(folder.blobs, prefix)));
  return hexes.flatMap((hex): Thing[] => {
    const file = known.has(hex) ? null : fileAt(folder.blob(hex));
    if (file === null) return [];
    const { size: bytes, nlink, mtimeMs } = file;
    return [
      {
        what: { type: 'file', hex },
        kind: LEFT_OVER,
        bytes,
        isShared: nlink > 1,
        isPart: false,
        usedAt: mtimeMs,
        isInUse: false,
      },
    ];
  });
}

function leftOvers(folder: Folder, dead: readonly string[]): readonly PruneItem[] {
  return dead.map((id) => {
    const bytes = sizeBelow(folder.run(id));
    return {
      what: { type: 'run', id },
      kind: LEFT_OVER,
      why: 'left-over',
      bytes,
      isShared: false,
      isPart: false,
      usedAt: 0,
    };
  });
}

function sizeBelow(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeBelow(join(path, name)), 0);
}

function choose(things: readonly Thing[], leftOver: readonly PruneItem[], options: PruneOptions): PrunePlan {
  const before = (options.now ?? Date.now)() - options.olderThanMs;
  const items: PruneItem[] = [...leftOver];
  const rest: Thing[] = [];
  let inUse = 0;
  for (const { isInUse, ...thing } of things) {
    const isOld = thing.usedAt <= before;
    if (isOld && !isInUse) items.push({ ...thing, why: thing.what.type === 'file' ? 'left-over' : 'unused' });
    else rest.push({ ...thing, isInUse });
    if (isOld && isInUse && thing.what.type === 'blob') inUse++;
  }
  let bytes = rest.reduce((sum, one) => sum + (one.isShared ? 0 : one.bytes), 0);
  const kept: Thing[] = [];
  for (const { isInUse, ...thing } of rest.toSorted((a, b) => a.usedAt - b.usedAt)) {
    // What an image of a project holds as well frees nothing: taking it away would only have it made again.
    const isTooMuch = options.maxBytes !== null && bytes > options.maxBytes && !thing.isShared;
    if (isTooMuch && !isInUse) {
      bytes -= thing.bytes;
      items.push({ ...thing, why: 'over-size' });
      continue;
    }
    if (isTooMuch && thing.what.type === 'blob') inUse++;
    kept.push({ ...thing, isInUse });
  }
  const blobs = kept.filter(({ what }) => what.type !== 'fact');
  const sharedBytes = blobs.reduce((sum, one) => sum + (one.isShared ? one.bytes : 0), 0);
  return { rows: rowsOf(items), items, kept: { count: blobs.length, bytes, sharedBytes, inUse } };
}
