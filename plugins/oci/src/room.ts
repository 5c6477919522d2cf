/** How much room a build takes on the disk, so that one which cannot fit ends before it begins. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from '@rebake/cache';
import { BuildFailure, type ImageSpec, type LockedFile, type Step } from '@rebake/image';

/** What is fetched, the layer that is made of it, and bytecode. */
const FACTOR = 2.5;

/** Rejects with `CACHE_FULL` when the disk has not the room that the steps may take. */
export async function checkRoom({ steps }: ImageSpec, cache: Cache): Promise<void> {
  let most = 0;
  for (const step of steps) most += await mostOf(step);
  if (most === 0) return;
  try {
    await cache.room(most);
  } catch (error) {
    if (!(error instanceof BuildFailure) || error.error.code !== 'CACHE_FULL') throw error;
    // Only now it is worth a look what is there already.
    let least = 0;
    for (const step of steps) least += await leastOf(step, cache);
    await cache.room(least);
  }
}

async function mostOf(step: Step): Promise<number> {
  switch (step.step) {
    case 'debian':
      return FACTOR * step.packages.reduce((sum, { size }) => sum + size, 0);
    case 'python-env':
      return 'locked' in step.packages
        ? FACTOR * step.packages.locked.reduce((sum, { wheels }) => sum + Math.max(0, ...wheels.map(sizeOf)), 0)
        : 0;
    case 'copy':
    case 'rootfs':
    case 'layout':
      return sizeOfFiles(step);
    default:
      return 0;
  }
}

/** What is not in the cache yet, at its smallest. */
async function leastOf(step: Step, cache: Cache): Promise<number> {
  let sum = 0;
  if (step.step === 'debian') {
    for (const { digest, size } of step.packages) if ((await cache.has(digest)) === null) sum += size;
  } else if (step.step === 'python-env' && 'locked' in step.packages) {
    for (const { wheels } of step.packages.locked) {
      const there = await Promise.all(wheels.map(async ({ digest }) => cache.has(digest)));
      if (there.every((size) => size === null) && wheels.length > 0) sum += Math.min(...wheels.map(sizeOf));
    }
  }
  return sum;
}

function sizeOf({ size }: LockedFile): number {
  return size ?? 0;
}

async function sizeOfFiles({ files }: Extract<Step, { step: 'copy' | 'rootfs' | 'layout' }>): Promise<number> {
  let sum = 0;
  // What is gone is found when it is read.
  for (const { path } of files.files) sum += (await stat(join(files.root, path)).catch(() => null))?.size ?? 0;
  return sum;
}
