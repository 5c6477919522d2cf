/** Removing what nobody uses: blobs that no entry of the index reaches, and files of writers that were killed; both only when old enough. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Blobs } from './blobs.ts';
import { isMissing } from './errors.ts';
import { reachable } from './image.ts';
import { readIndex, writeName } from './names.ts';
import type { Place } from './place.ts';
import type { SweepOptions, Swept } from './types.ts';

const HEX = /^[0-9a-f]{64}$/;

/** Only with the lock: nobody then adds a blob, claims one or names an image. */
export async function sweep(place: Place, blobs: Blobs, how: SweepOptions): Promise<Swept> {
  const { olderThanMs, dryRun = false, unname = [] } = how;
  const limits = { before: Date.now() - olderThanMs, dryRun };
  if (!dryRun) for (const name of unname) await writeName(place, name, null);
  const gone = new Set<string | null>(unname);
  const entries = (await readIndex(place)).filter(({ name }) => name === null || !gone.has(name));
  const inUse = await reachable(
    blobs,
    entries.map(({ descriptor }) => descriptor),
  );
  const names = (await readdir(place.blobs)).filter((name) => HEX.test(name) && !inUse.has(`sha256:${name}`));
  const old = await removeOld(
    names.map((name) => join(place.blobs, name)),
    limits,
  );
  const left = await removeOld(await place.temporaries(), limits);
  return { blobs: old.count, temporaries: left.count, bytes: old.bytes + left.bytes };
}

async function removeOld(
  paths: readonly string[],
  { before, dryRun }: { readonly before: number; readonly dryRun: boolean },
): Promise<{ count: number; bytes: number }> {
  let count = 0;
  let bytes = 0;
  for (const path of paths) {
    try {
      const stat = await lstat(path);
      // The clock counts whole milliseconds, and a file system less.
      if (stat.isDirectory() || Math.floor(stat.mtimeMs) > before) continue;
      if (!dryRun) await rm(path);
      count++;
      // What has another name elsewhere stays on the disk.
      if (stat.nlink === 1) bytes += stat.size;
    } catch (error) {
      // A writer ended meanwhile.
      if (!isMissing(error)) throw error;
    }
  }
  return { count, bytes };
}
