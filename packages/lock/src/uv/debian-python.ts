/** A Python of Debian packages, for machines that have none. */
import type { LockMeans } from '../types.ts';

/** Path of a Python that runs on this machine without being installed; null: there is no mirror to take it from. */
export async function debianPython(
  { signal }: Pick<LockMeans, 'cache' | 'download' | 'env' | 'signal' | 'log' | 'mirror'>,
  _folder: string,
): Promise<string | null> {
  signal.throwIfAborted();
  return Promise.resolve(null);
}
