/** An environment as layers. */
import type { Layer } from '@rebake/layers';
import type { Means, PythonEnvRequest } from './types.ts';

/**
 * Makes, or recalls, the layers of an environment: its skeleton first, then those of its packages. They are in the cache. Same request, same
 * layers, on every machine. Rejects with a `BuildFailure`: `WHEEL_MISSING`, `WHEEL_INVALID`, `SDIST_FAILED`, `SDIST_COMPILES`,
 * `INTERPRETER_MISSING`, `BYTECODE_UNAVAILABLE`, or what the cache and downloads fail with.
 */
export async function pythonEnvLayers(request: PythonEnvRequest, means: Means): Promise<readonly Layer[]> {
  means.signal.throwIfAborted();
  throw new Error(`layers of ${request.prefix} are not made yet`);
}
