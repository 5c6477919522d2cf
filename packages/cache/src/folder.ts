/** The folder of the cache: made for its owner alone, and told from any other folder before something is written into it. */
import { lstatSync } from 'node:fs';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from './errors.ts';

/** Backup tools know this file and its first line: https://bford.info/cachedir/ */
const TAG = 'CACHEDIR.TAG';
const TAG_TEXT =
  'Signature: 8a477f597d28d172789f06886806bc55\n# The cache of rebake: it can be deleted while no rebake runs.\n';

export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/** Paths below the cache's folder. */
export interface Folder {
  readonly dir: string;
  readonly database: string;
  readonly blobs: string;
  /** One folder for each process that uses the cache. */
  readonly runs: string;
  blob(hex: string): string;
  run(id: string): string;
}

export function folderAt(dir: string): Folder {
  const blobs = join(dir, 'blobs', 'sha256');
  const runs = join(dir, 'runs');
  return {
    dir,
    database: join(dir, 'cache.db'),
    blobs,
    runs,
    blob: (hex) => join(blobs, hex.slice(0, 2), hex),
    run: (id) => join(runs, id),
  };
}

/** Whether there is a cache; rejects when something else is there, or somebody else's. */
export async function folderExists({ dir }: Folder): Promise<boolean> {
  const found = await stat(dir).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return false;
  if (!found.isDirectory()) throw failure('CACHE_UNUSABLE', `${dir} is not a folder`);
  const uid = process.getuid?.() ?? found.uid;
  if (found.uid !== uid) {
    const words = `the cache ${dir} belongs to user ${found.uid}, and this is user ${uid}: name a folder of your own with REBAKE_CACHE_DIR`;
    throw failure('CACHE_UNUSABLE', words);
  }
  const names = await readdir(dir);
  if (names.includes(TAG)) return true;
  if (names.length === 0) return false;
  const words = `${dir} holds ${JSON.stringify(names[0])} and no ${TAG}: it is no cache, name an empty folder with REBAKE_CACHE_DIR`;
  throw failure('CACHE_UNUSABLE', words);
}

/** Makes what is missing. */
export async function makeFolder(folder: Folder): Promise<void> {
  if (!(await folderExists(folder))) {
    await mkdir(folder.dir, { recursive: true, mode: FOLDER_MODE });
    // The first of all: without it the next process takes what is there for somebody else's.
    await writeFile(join(folder.dir, TAG), TAG_TEXT, { mode: FILE_MODE });
  }
  await chmod(folder.dir, FOLDER_MODE);
  for (const path of [folder.blobs, folder.runs]) await mkdir(path, { recursive: true, mode: FOLDER_MODE });
}

/** Size of a regular file; null where there is none. A symbolic link is none. */
export function fileAt(
  path: string,
): { readonly size: number; readonly mtimeMs: number; readonly ino: number; readonly nlink: number } | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found : null;
}
