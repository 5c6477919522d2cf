/** The Python that uv resolves with: any will do, as it only says what it is and builds source archives for their metadata. */
import { runTool } from '../run.ts';
import type { LockMeans } from '../types.ts';
import { debianPython } from './debian-python.ts';
import type { Uv } from './find.ts';

/** Where uv finds a Python: on PATH with `folder` in front, where there is one; or it fetches one where `downloads` says so. */
export interface FoundPython {
  readonly folder: string | null;
  readonly downloads: boolean;
}

/** Finds a Python, or makes one of Debian packages below `folder` where the machine has none. */
export async function pythonFor(
  uv: Uv,
  means: Pick<LockMeans, 'cache' | 'download' | 'env' | 'signal' | 'log' | 'mirror'>,
  folder: string,
): Promise<FoundPython> {
  const { env, signal } = means;
  const { code } = await runTool(uv.path, ['python', 'find', '--quiet'], { env, cwd: folder, signal });
  if (code === 0) return { folder: null, downloads: false };
  const made = await debianPython(means, folder);
  // Without a mirror there is still uv's own way, from a host of its own.
  return { folder: made, downloads: made === null };
}
