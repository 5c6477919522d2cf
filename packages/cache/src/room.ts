/** Whether the disk has room left. */
import { statfs } from 'node:fs/promises';
import { failure } from './errors.ts';

/** What is left free for whatever else writes to the disk, in bytes. */
const RESERVE_BYTES = 64 << 20;
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

export async function checkRoom(dir: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (bytes + RESERVE_BYTES <= free) return;
  const words = `${dir}: ${inUnits(bytes)} are needed, and its disk has ${inUnits(free)} free, of which ${inUnits(RESERVE_BYTES)} are to stay free`;
  throw failure('CACHE_FULL', words);
}

/** A number of bytes for people: `1.2 GB`, powers of ten. */
function inUnits(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
