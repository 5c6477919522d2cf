/** Whether the disk has room left. */
import { statfs } from 'node:fs/promises';
import { bytesText } from '@rebake/image';
import { failure } from './errors.ts';

/** What is left free for whatever else writes to the disk, in bytes. */
const RESERVE_BYTES = 64 << 20;

export async function checkRoom(dir: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (bytes + RESERVE_BYTES <= free) return;
  const words = `${dir}: ${bytesText(bytes)} are needed, and its disk has ${bytesText(free)} free, of which ${bytesText(RESERVE_BYTES)} are to stay free`;
  throw failure('CACHE_FULL', words);
}
