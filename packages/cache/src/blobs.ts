/** Blobs that are there: whether they can be believed, and that prune leaves them alone from now on. */
import { rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { BlobRange, Digest } from '@rebake/image';
import { failure, hexOf, isMissing, missing } from './errors.ts';
import { fileAt } from './folder.ts';
import { hexOfFile } from './hash-file.ts';
import type { Opened } from './open.ts';

const READ_BYTES = 256 << 10;
/** What was used within this time, in milliseconds, need not be marked again by the same process. */
export const REMARK_MS = 3_600_000;

interface Known {
  readonly size: number;
  readonly at: number;
}

/** What a look at some blobs came to. `doubtful`: nobody has read them since the boot in which they were written. */
export interface Marked {
  readonly absent: readonly string[];
  readonly doubtful: readonly string[];
}

export interface Blobs {
  /** Whether this process has marked all of them; then nothing has to be asked. */
  areMarked(hexes: readonly string[]): boolean;
  /** Marks blobs as used by this run. Only in a write transaction. */
  mark(hexes: readonly string[]): Marked;
  /** Reads doubtful blobs back: afterwards they are believed, or gone. */
  settle(hexes: readonly string[]): Promise<void>;
  /** Size of a blob that is there, marked; null where there is none. */
  use(digest: Digest): Promise<number | null>;
  read(digest: Digest, range?: BlobRange): AsyncIterable<Uint8Array>;
  /** Notes a blob that is in its place now. Only in a write transaction. */
  note(hex: string, size: number): void;
}

export function createBlobs(opened: () => Promise<Opened>, current: () => Opened): Blobs {
  const known = new Map<string, Known>();
  const settling = new Map<string, Promise<void>>();

  function isMarked(hex: string): boolean {
    const one = known.get(hex);
    return one !== undefined && current().now() - one.at < REMARK_MS;
  }

  function drop(hex: string): void {
    known.delete(hex);
    dropBlob(current(), hex);
  }

  function mark(hexes: readonly string[]): Marked {
    const { db, folder, boot, run, now } = current();
    const absent: string[] = [];
    const doubtful: string[] = [];
    for (const hex of hexes) {
      const row = db.sql('SELECT size, boot FROM blobs WHERE digest = ?').get(hex);
      const file = fileAt(folder.blob(hex));
      if (file === null || (row !== undefined && file.size !== row['size'])) {
        if (row !== undefined) drop(hex);
        absent.push(hex);
      } else if (row === undefined || (row['boot'] !== boot && row['boot'] !== '')) {
        doubtful.push(hex);
      } else {
        db.sql('UPDATE blobs SET used_at = max(used_at, ?), epoch = max(epoch, ?) WHERE digest = ?').run(
          now(),
          run.epoch,
          hex,
        );
        known.set(hex, { size: file.size, at: now() });
      }
    }
    return { absent, doubtful };
  }

  function note(hex: string, size: number): void {
    const { db, boot, run, now } = current();
    db.sql(
      `INSERT INTO blobs (digest, size, boot, used_at, epoch) VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET
       size = excluded.size, boot = excluded.boot, used_at = max(used_at, excluded.used_at), epoch = max(epoch, excluded.epoch)`,
    ).run(hex, size, boot, now(), run.epoch);
    known.set(hex, { size, at: now() });
  }

  async function settleOne(hex: string): Promise<void> {
    const { db, folder } = current();
    const path = folder.blob(hex);
    const before = fileAt(path);
    if (before === null) return;
    const isGood = await hexOfFile(path).then(
      (found) => found === hex,
      (error: unknown) => {
        if (isMissing(error)) return false;
        throw error;
      },
    );
    db.write(() => {
      const after = fileAt(path);
      // Somebody has written it anew, or taken it away, meanwhile.
      if (after === null || after.ino !== before.ino || after.mtimeMs !== before.mtimeMs) return;
      if (!isGood) {
        drop(hex);
        rmSync(path, { force: true });
        return;
      }
      const hadRow = db.sql(`UPDATE blobs SET boot = '' WHERE digest = ?`).run(hex).changes > 0;
      // A process was killed between putting it in its place and noting it; in which boot, nobody knows.
      if (!hadRow) note(hex, after.size);
    });
  }

  async function settle(hexes: readonly string[]): Promise<void> {
    const works = hexes.map((hex) => {
      const work = settling.get(hex) ?? settleOne(hex).finally(() => settling.delete(hex));
      settling.set(hex, work);
      return work;
    });
    await Promise.all(works);
  }

  async function use(digest: Digest): Promise<number | null> {
    const hex = hexOf(digest);
    const { db } = await opened();
    // Each turn settles what was doubtful; what appears anew in between is looked at again.
    for (;;) {
      if (isMarked(hex)) return known.get(hex)?.size ?? null;
      const { absent, doubtful } = await db.grouped(() => mark([hex]));
      if (absent.length > 0) return null;
      await settle(doubtful);
    }
  }

  async function* read(digest: Digest, range: BlobRange = {}): AsyncGenerator<Uint8Array> {
    let at = range.offset ?? 0;
    if (!Number.isSafeInteger(at) || at < 0) throw new RangeError(`an offset of ${at} bytes`);
    const size = await use(digest);
    const { folder } = current();
    const path = folder.blob(hexOf(digest));
    const file = size === null ? null : await openOrNull(path);
    if (size === null || file === null) throw missing(folder.dir, digest);
    try {
      const end = Math.min(size, at + Math.max(0, range.length ?? size));
      while (at < end) {
        const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at));
        const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, at);
        if (bytesRead === 0) throw failure('BLOB_MISMATCH', `${path} became shorter while it was read`);
        at += bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  return { areMarked: (hexes) => hexes.every(isMarked), mark, settle, use, read, note };
}

/** Takes a blob off the list, with the facts that are worth nothing without it. Only in a write transaction. */
export function dropBlob({ db }: Pick<Opened, 'db'>, hex: string): void {
  for (const row of db.sql('SELECT fact FROM fact_blobs WHERE digest = ?').all(hex))
    dropFact({ db }, Number(row['fact']));
  db.sql('DELETE FROM blobs WHERE digest = ?').run(hex);
}

/** Only in a write transaction. */
export function dropFact({ db }: Pick<Opened, 'db'>, id: number): void {
  db.sql('DELETE FROM fact_blobs WHERE fact = ?').run(id);
  db.sql('DELETE FROM facts WHERE id = ?').run(id);
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
