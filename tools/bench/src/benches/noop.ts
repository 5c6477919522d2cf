// The plan that finds nothing to do, as a whole process: what stands in front of every CI run and every look.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Row } from '../bench.ts';
import { fakeBuilder } from '../fake-builder.ts';
import { freshProject } from '../fill.ts';
import { BARE_NODE, rebake, timed } from '../processes.ts';
import { inTurn } from '../statistics.ts';
import { temporaryFolder } from '../scratch.ts';

const ENVS = 1_000;

/** `rebake plan --refresh=false`; with changes it would end with 2, and so not be measured. */
export const NOOP_PLAN = ['plan', '--refresh=false', '--detailed-exitcode'] as const;

/** See the title. */
export const noop: Bench = {
  name: 'noop',
  title: 'no-op `rebake plan --refresh=false` on 1,000 env images, as a whole process',
  async run({ root, scratch, note }) {
    const tmp = temporaryFolder(scratch);
    const plan = rebake(root, tmp, join(scratch, 'fleet'), ...NOOP_PLAN);
    note('filling the state');
    const dir = await freshProject(join(scratch, 'fleet'), { envs: ENVS, registry: null }, fakeBuilder());
    const forgetCaches = (): void => {
      for (const cache of [tmp, join(dir, '.rebake/cache')]) rmSync(cache, { recursive: true, force: true });
      temporaryFolder(scratch);
    };
    const cold = await inTurn(
      {
        rebake: () => {
          forgetCaches();
          return timed(plan);
        },
        node: () => timed(BARE_NODE),
      },
      { count: 5, warmUp: 1 },
    );
    // Everything cached but the answer itself: state, graph and plan are made again.
    const again = await inTurn(
      {
        rebake: () => {
          rmSync(join(dir, '.rebake/cache/quiet-plan.json'), { force: true });
          return timed(plan);
        },
        node: () => timed(BARE_NODE),
      },
      { count: 11, warmUp: 3 },
    );
    // The compile cache is written by the first run and read from the second on.
    const warm = await inTurn({ rebake: () => timed(plan), node: () => timed(BARE_NODE) }, { count: 21, warmUp: 3 });
    const row = (what: string, samples: typeof warm, bar: string | null): Row => ({
      what,
      unit: 'ms',
      ours: { what: 'rebake plan', samples: samples.rebake },
      peer: { what: 'node -e 0', samples: samples.node },
      compare: { by: 'times' },
      bar,
    });
    return [
      row('warm caches', warm, '≤ 4 ×'),
      row('warm caches, but the plan made again', again, null),
      row('without any cache', cold, null),
    ];
  },
};
