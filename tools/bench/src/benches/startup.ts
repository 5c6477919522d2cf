// How long the command takes before it has done anything, and to check a small declaration.
import { join } from 'node:path';
import type { Bench, Row } from '../bench.ts';
import { fleetFiles, writeFiles } from '../fleet.ts';
import { BARE_NODE, rebake, timed } from '../processes.ts';
import { temporaryFolder } from '../scratch.ts';
import { inTurn } from '../statistics.ts';

/** See the title. */
export const startup: Bench = {
  name: 'startup',
  title: '`rebake --version` and `rebake validate` on ten code envs, as whole processes',
  async run({ root, scratch }) {
    const dir = writeFiles(join(scratch, 'fleet'), fleetFiles({ envs: 10, registry: null }));
    const tmp = temporaryFolder(scratch);
    const samples = await inTurn(
      {
        version: () => timed(rebake(root, tmp, dir, '--version')),
        validate: () => timed(rebake(root, tmp, dir, 'validate')),
        bundle: () =>
          timed({
            argv: [process.execPath, join(root, 'packages/cli/dist/rebake.js'), '--version'],
            env: { TMPDIR: tmp },
          }),
        node: () => timed(BARE_NODE),
      },
      { count: 21, warmUp: 3 },
    );
    const row = (what: string, ours: readonly number[]): Row => ({
      what,
      unit: 'ms',
      ours: { what, samples: ours },
      peer: { what: 'node -e 0', samples: samples.node },
      compare: { by: 'times' },
      bar: null,
    });
    return [
      row('`rebake --version`', samples.version),
      row('the same without the shell script', samples.bundle),
      row('`rebake validate`', samples.validate),
    ];
  },
};
