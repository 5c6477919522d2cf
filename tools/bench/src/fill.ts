// Projects whose state says that everything is fresh: declared, written to disk, and applied with the instant builder through the library.
import { apply } from '@rebake/rebake';
import type { Builder } from '@rebake/sdk';
import { fleetFiles, writeFiles, type FleetOptions } from './fleet.ts';

/** Writes the fleet below `dir`, applies it with `builder`, and gives `dir`. */
export async function freshProject(dir: string, fleet: FleetOptions, builder: Builder): Promise<string> {
  writeFiles(dir, fleetFiles(fleet));
  const result = await apply({
    cwd: dir,
    env: {},
    builders: { docker: builder },
    parallelism: 16,
    confirm: async () => 'yes',
    emit: () => {},
  });
  if (result.status !== 'ran') throw new Error(`filling ${dir} ended as ${JSON.stringify(result).slice(0, 2000)}`);
  return dir;
}
