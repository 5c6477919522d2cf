// Projects whose state says that everything is fresh: declared, written to disk, and applied with the instant builder through the library.
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { apply } from '@rebake/rebake';
import type { Builder } from '@rebake/sdk';
import { fleetFiles, writeFiles, type FleetOptions } from './fleet.ts';

/** Memory as a file system: filling a state flushes after every node, and nobody asks how long that takes on a disk. */
const MEMORY = '/dev/shm';

/** Makes a project at `dir`, which must not be there yet, applies it with `builder`, and gives `dir`. */
export async function freshProject(dir: string, fleet: FleetOptions, builder: Builder): Promise<string> {
  const work = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : dirname(dir), 'rebake-bench-'));
  try {
    writeFiles(work, fleetFiles(fleet));
    const result = await apply({
      cwd: work,
      env: {},
      builders: { docker: builder },
      parallelism: 16,
      confirm: async () => 'yes',
      emit: () => {},
    });
    const failed = result.status === 'ran' && result.summary.counts.failed > 0;
    if (result.status !== 'ran' || failed) {
      throw new Error(`filling ${dir} ended as ${JSON.stringify(result).slice(0, 2000)}`);
    }
    cpSync(work, dir, { recursive: true });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return dir;
}
