/** A blob that is a file of this machine already: it gets a second name in the layout, or a copy where file systems do not allow that. */
import { constants } from 'node:fs';
import { chmod, copyFile, link, lstat, open, rename, rm, utimes } from 'node:fs/promises';
import type { Blobs } from './blobs.ts';
import { checkedDigest, failure, inLayout, isMissing } from './errors.ts';
import { FILE_MODE, syncFolder, type Place } from './place.ts';
import type { ExpectedBlob } from './types.ts';

/** Another file system, one without hard links, a file that has as many as there can be, or one that the kernel protects. */
const NO_LINKS: ReadonlySet<unknown> = new Set([
  'EXDEV',
  'EPERM',
  'EACCES',
  'EMLINK',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
]);

export async function linkBlob(place: Place, blobs: Blobs, expected: ExpectedBlob, path: string): Promise<void> {
  checkedDigest(expected.digest);
  if (await blobs.claim([expected])) return;
  await inLayout(place.dir, async () => {
    await place.ready();
    const own = place.temporary();
    try {
      await checkSource(expected, path);
      await linkOrCopy(path, own);
      await settle(own);
      await place.lock.use(async () => rename(own, place.blob(expected.digest)));
    } finally {
      // Of two names of one file, renaming one to the other leaves both.
      await rm(own, { force: true });
    }
    await syncFolder(place.blobs);
  });
}

async function checkSource({ digest, size }: ExpectedBlob, path: string): Promise<void> {
  let found: { isFile(): boolean; size: number } | null = null;
  try {
    found = await lstat(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  if (found === null || !found.isFile()) throw failure('BLOB_MISSING', `there is no file ${path} with ${digest}`);
  if (size !== undefined && found.size !== size) {
    throw failure('BLOB_MISMATCH', `${path}: ${found.size} bytes where ${size} were expected of ${digest}`);
  }
}

async function linkOrCopy(path: string, own: string): Promise<void> {
  try {
    await link(path, own);
  } catch (error) {
    if (isMissing(error)) throw failure('BLOB_MISSING', `${path} went away`, error);
    if (!(error instanceof Error && 'code' in error && NO_LINKS.has(error.code))) throw error;
    await copyFile(path, own, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(own, FILE_MODE);
  }
}

/** On the disk before an image is named by it; and as new as if it had just been written, which is what a sweep looks at. */
async function settle(own: string): Promise<void> {
  const now = new Date();
  await utimes(own, now, now);
  const file = await open(own, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
