// The planner alone, in process and warmed up: whether it stays linear, and what it costs when everything is stale.
import { plan } from '@rebake/planner';
import type { Bench, Row } from '../bench.ts';
import { inTurn } from '../statistics.ts';
import { question, type Situation } from '../synthetic.ts';

const SIZES = [1_000, 10_000, 50_000] as const;
const SITUATIONS: Readonly<Record<Situation, string>> = {
  fresh: 'nothing to do',
  upgrade: 'both bases changed',
  first: 'nothing built yet',
};

/** See the title. */
export const planner: Bench = {
  name: 'planner',
  title: '`plan()` alone on 1,000, 10,000 and 50,000 nodes',
  async run() {
    const rows: Row[] = [];
    for (const situation of Object.keys(SITUATIONS) as Situation[]) {
      for (const size of SIZES) {
        const { nodes, state, world } = question(size, situation);
        check(
          situation,
          plan(nodes, state, world, { force: [] }).plan.actions.filter(({ atMost }) => atMost !== 'keep').length,
          size,
        );
        const once = (): number => {
          const start = performance.now();
          plan(nodes, state, world, { force: [] });
          return performance.now() - start;
        };
        const { ours } = await inTurn({ ours: once }, { count: size >= 50_000 ? 7 : 15, warmUp: 3 });
        rows.push({
          what: `${size.toLocaleString('en')} nodes, ${SITUATIONS[situation]}`,
          unit: 'ms',
          ours: { what: 'plan()', samples: ours },
          peer: null,
          compare: { by: 'rate', count: size, of: 'nodes/s' },
          bar: null,
        });
      }
    }
    return rows;
  },
};

/** A plan of the wrong length would be a figure of something else. */
function check(situation: Situation, actions: number, size: number): void {
  const expected = situation === 'fresh' ? 0 : size;
  if (actions !== expected) throw new Error(`${situation}: ${actions} actions planned, ${expected} expected`);
}
