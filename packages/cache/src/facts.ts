/** What was derived from what: rows that are there while their blobs are. */
import { dropFact, REMARK_MS, type Blobs } from './blobs.ts';
import { hexOf, missing } from './errors.ts';
import type { Opened } from './open.ts';
import type { Derived, Fact } from './types.ts';

/** In an object, because a fact may be null. */
export interface Recalled<T extends Fact> {
  readonly value: T;
}

export interface Facts {
  recall<T extends Fact>(kind: string, key: string): Promise<Recalled<T> | null>;
  keep<T extends Fact>(kind: string, key: string, derived: Derived<T>): Promise<void>;
}

export function createFacts(opened: () => Promise<Opened>, blobs: Blobs): Facts {
  /** When this process has last marked a fact, by its id. */
  const marked = new Map<number, number>();

  async function recall<T extends Fact>(kind: string, key: string): Promise<Recalled<T> | null> {
    const { db, run, now } = await opened();
    for (;;) {
      const row = db.sql('SELECT id, value FROM facts WHERE kind = ? AND key = ?').get(kind, key);
      if (row === undefined) return null;
      const id = Number(row['id']);
      const hexes = db
        .sql('SELECT digest FROM fact_blobs WHERE fact = ?')
        .all(id)
        .map(({ digest }) => String(digest));
      if (now() - (marked.get(id) ?? -Infinity) < REMARK_MS && blobs.areMarked(hexes)) return valueOf<T>(row);
      const looked = await db.grouped(() => {
        if (db.sql('SELECT 1 FROM facts WHERE id = ?').get(id) === undefined) return null;
        const found = blobs.mark(hexes);
        // The file of an orphan, or none: either way this fact has lost what it stands for.
        if (found.absent.length > 0) dropFact({ db }, id);
        else {
          db.sql('UPDATE facts SET used_at = max(used_at, ?), epoch = max(epoch, ?) WHERE id = ?').run(
            now(),
            run.epoch,
            id,
          );
          marked.set(id, now());
        }
        return found;
      });
      if (looked !== null && looked.absent.length > 0) return null;
      await blobs.settle(looked?.doubtful ?? []);
    }
  }

  async function keep<T extends Fact>(kind: string, key: string, { value, blobs: needed }: Derived<T>): Promise<void> {
    const { db, folder, run, now } = await opened();
    const text = JSON.stringify(value);
    for (const digest of needed) if ((await blobs.use(digest)) === null) throw missing(folder.dir, digest);
    const hexes = [...new Set(needed.map(hexOf))];
    await db.grouped(() => {
      const row = db
        .sql(
          `INSERT INTO facts (kind, key, value, used_at, epoch) VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET
           value = excluded.value, used_at = max(used_at, excluded.used_at), epoch = max(epoch, excluded.epoch) RETURNING id`,
        )
        .get(kind, key, text, now(), run.epoch);
      const id = Number(row?.['id']);
      db.sql('DELETE FROM fact_blobs WHERE fact = ?').run(id);
      for (const hex of hexes) db.sql('INSERT INTO fact_blobs (fact, digest) VALUES (?, ?)').run(id, hex);
      marked.set(id, now());
    });
  }

  return { recall, keep };
}

function valueOf<T extends Fact>(row: Readonly<Record<string, unknown>>): Recalled<T> {
  // Only `keep` writes values.
  return { value: JSON.parse(String(row['value'])) as T };
}
