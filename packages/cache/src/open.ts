/** The parts of an open cache, made when first used. */
import { bootId } from './boot.ts';
import { openDatabase, type Database } from './database.ts';
import { makeFolder, type Folder } from './folder.ts';
import { beginRun, type Run } from './runs.ts';

export interface Opened {
  readonly folder: Folder;
  readonly db: Database;
  readonly run: Run;
  readonly boot: string;
  readonly now: () => number;
}

export interface OpenOptions {
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Which boot of the machine this is; tests hand in their own. */
  readonly boot?: string;
}

export async function open(folder: Folder, options: OpenOptions): Promise<Opened> {
  await makeFolder(folder);
  const db = await openDatabase(folder.database);
  try {
    const boot = options.boot ?? (await bootId());
    return { folder, db, run: await beginRun(folder, db), boot, now: options.now ?? Date.now };
  } catch (error) {
    db.close();
    throw error;
  }
}
