// A folder for the temporary files of measured processes, so that their caches can be thrown away.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Makes `tmp` below the scratch folder of a run, and gives its path. */
export function temporaryFolder(scratch: string): string {
  const dir = join(scratch, 'tmp');
  mkdirSync(dir, { recursive: true });
  return dir;
}
