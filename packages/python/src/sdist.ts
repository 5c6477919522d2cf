/** Wheels from source archives. */
import type { LockedFile } from '@rebake/image';
import type { BuiltWheel, Means } from './types.ts';

/**
 * Builds a source archive to a wheel, isolated, once; the wheel is then in the cache. `interpreter`: `3.11`. Rejects with a `BuildFailure`
 * `SDIST_FAILED` with the words of what builds it.
 */
export async function buildSdist(sdist: LockedFile, interpreter: string, means: Means): Promise<BuiltWheel> {
  means.signal.throwIfAborted();
  throw new Error(`${sdist.name} is not built for ${interpreter} yet`);
}
