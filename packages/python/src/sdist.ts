/** Wheels from source archives. */
import type { Digest, LockedFile } from '@rebake/image';
import type { Choice } from './choose/choose.ts';
import { failure } from './failures.ts';
import type { BuiltWheel, Means, PythonEnvRequest } from './types.ts';

/** The wheel of a source archive. */
export interface SdistWheel {
  readonly name: string;
  readonly digest: Digest;
  readonly size: number;
  /** Brings it into the cache, which may have lost it. */
  readonly fetch: (signal: AbortSignal) => Promise<void>;
}

/** The wheel of a package of which there is only a source archive. Rejects with `SDIST_COMPILES` when it fits no other machine. */
export async function sdistWheel(
  { pkg, file }: Choice,
  { interpreter }: PythonEnvRequest,
  means: Means,
): Promise<SdistWheel> {
  const built = await buildSdist(file, interpreter, means);
  if (!built.pure) {
    throw failure(
      'SDIST_COMPILES',
      `${pkg.name} is there as source only, and has to be compiled (it became ${built.name}): build this environment with an engine, or lock a version that has wheels`,
    );
  }
  return {
    name: built.name,
    digest: built.wheel,
    size: built.size,
    fetch: async (signal) => {
      if ((await means.cache.has(built.wheel)) === null) await buildSdist(file, interpreter, { ...means, signal });
    },
  };
}

/**
 * Builds a source archive to a wheel, isolated, once; the wheel is then in the cache. `interpreter`: `3.11`. Rejects with a `BuildFailure`
 * `SDIST_FAILED` with the words of what builds it.
 */
export async function buildSdist(sdist: LockedFile, interpreter: string, means: Means): Promise<BuiltWheel> {
  means.signal.throwIfAborted();
  throw new Error(`${sdist.name} is not built for ${interpreter} yet`);
}
