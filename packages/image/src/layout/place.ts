/** Where a layout has what: its directories and the files that make it one. What belongs to no layout as such is below `.rebake/`. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, chmod, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asRecord, asString, json } from '../oci/checks.ts';
import type { Digest } from '../types.ts';
import { checkedDigest, failure, inLayout, isMissing } from './errors.ts';
import { createLock, type Lock } from './lock.ts';

const OWN = '.rebake';
const FOLDERS = ['blobs', join('blobs', 'sha256'), OWN, join(OWN, 'ingest')];
/** What may be there of a layout that was killed while it was made. */
const UNFINISHED = new Set(['blobs', OWN, 'index.json']);
const VERSION = JSON.stringify({ imageLayoutVersion: '1.0.0' });
const EMPTY = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [],
});
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;

export interface Place {
  readonly dir: string;
  readonly blobs: string;
  readonly index: string;
  /** Held by whoever changes `index.json`, or adds to or takes from `blobs`. */
  readonly lock: Lock;
  blob(digest: Digest): string;
  /** Whether there is a layout, for those who read. Rejects when something else is there. */
  exists(): Promise<boolean>;
  /** Makes what is missing, for those who write. */
  ready(): Promise<void>;
  /** Path of a new temporary file, in the file system of the blobs. */
  temporary(): string;
  /** All temporary files, of every process. */
  temporaries(): Promise<readonly string[]>;
  /** Puts a file in place of another: afterwards there is the old one or the new one, whenever the machine stops. */
  replace(path: string, text: string): Promise<void>;
  id(): Promise<string>;
}

export function createPlace(dir: string, patienceMs: number): Place {
  const blobs = join(dir, 'blobs', 'sha256');
  const ingest = join(dir, OWN, 'ingest');
  const index = join(dir, 'index.json');
  const lock = createLock(join(dir, OWN, 'lock'), patienceMs);
  let isKnown = false;
  let made: Promise<void> | undefined;

  async function exists(): Promise<boolean> {
    isKnown ||= await inLayout(dir, async () => look());
    return isKnown;
  }

  async function look(isSecond = false): Promise<boolean> {
    for (const folder of FOLDERS) await checkFolder(join(dir, folder));
    const version = await textOf(join(dir, 'oci-layout'));
    if (version === null) {
      const names = await listOf(dir);
      // Another process has just finished it.
      if (names.includes('oci-layout') && !isSecond) return look(true);
      const strange = names.find((name) => !UNFINISHED.has(name));
      if (strange === undefined) return false;
      throw failure('LAYOUT_INVALID', `${dir}: no oci-layout in it, but ${JSON.stringify(strange)}: no image layout`);
    }
    const given = asString(asRecord(json(Buffer.from(version)), 'oci-layout')['imageLayoutVersion'], 'oci-layout');
    if (!given.startsWith('1.')) throw failure('LAYOUT_INVALID', `${dir}: a layout of version ${given}, not of 1`);
    return true;
  }

  async function make(): Promise<void> {
    const isLayout = await exists();
    await mkdir(dirname(dir), { recursive: true });
    for (const folder of [dir, ...FOLDERS.map((one) => join(dir, one))]) await makeFolder(folder);
    if (isLayout) return;
    await lock.use(async () => {
      if ((await textOf(index)) === null) await replace(index, EMPTY);
      // The last of all: with it the directory is a layout.
      await replace(join(dir, 'oci-layout'), VERSION);
    });
  }

  async function ready(): Promise<void> {
    made ??= inLayout(dir, make);
    try {
      await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  }

  const temporary = (): string => join(ingest, randomUUID());

  async function replace(path: string, text: string): Promise<void> {
    const own = temporary();
    try {
      const file = await open(own, 'wx', FILE_MODE);
      try {
        await file.chmod(FILE_MODE);
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(own, path);
    } catch (error) {
      await rm(own, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
  }

  return {
    dir,
    blobs,
    index,
    lock,
    blob: (digest) => join(blobs, checkedDigest(digest).slice('sha256:'.length)),
    exists,
    ready,
    temporary,
    temporaries: async () => (await listOf(ingest)).map((name) => join(ingest, name)),
    replace,
    async id() {
      const path = join(dir, OWN, 'id');
      return inLayout(dir, async () => {
        const before = await textOf(path);
        if (before !== null) return checkedId(path, before);
        await ready();
        return lock.use(async () => {
          const other = await textOf(path);
          if (other !== null) return checkedId(path, other);
          const id = randomUUID();
          await replace(path, id);
          return id;
        });
      });
    },
  };
}

/** Makes what was renamed in a directory last beyond a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function checkedId(path: string, text: string): string {
  if (!ID.test(text)) throw failure('LAYOUT_INVALID', `${path} is not the identity of a layout`);
  return text;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, FOLDER_MODE);
    // Whatever the umask.
    await chmod(path, FOLDER_MODE);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** A symbolic link here would lead every write out of the layout. */
async function checkFolder(path: string): Promise<void> {
  try {
    if (!(await lstat(path)).isDirectory()) throw failure('LAYOUT_INVALID', `${path} is not a directory`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function textOf(path: string): Promise<string | null> {
  return orNull(async () => readFile(path, 'utf8'));
}

async function listOf(path: string): Promise<readonly string[]> {
  return (await orNull(async () => readdir(path))) ?? [];
}

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
