/** The suite as tests of vitest. */
import { BEHAVIOURS } from './behaviours.ts';
import { createBench } from './bench.ts';
import type { Rig } from './rig.ts';
import { carryOut, checkIds } from './runner.ts';

// Tests have to be declared at once, so that vitest has to be here by then; and it can be imported only by what it runs.
const vitest = process.env['VITEST'] === undefined ? undefined : await import('vitest').catch(() => undefined);

/** For slow machines; little here should take a tenth of it. Milliseconds. */
const LONGEST = 300_000;

/**
 * Declares the conformance suite as tests of vitest, one a behaviour. To be called in a test file, at its top level or in a `describe`.
 *
 * @throws outside of vitest; and for ids in `without` that no behaviour has.
 */
export function testBuilder(rig: Rig): void {
  if (vitest === undefined) throw new Error('testBuilder is for test files of vitest; elsewhere, use runBehaviours');
  const { afterAll, describe, it } = vitest;
  const { without = {} } = rig;
  checkIds(Object.keys(without));
  describe(`${rig.name} is a builder as rebake wants it`, () => {
    const bench = createBench(rig);
    afterAll(() => bench.close(), LONGEST);
    for (const behaviour of BEHAVIOURS) {
      const reason = Object.hasOwn(without, behaviour.id) ? ` (without: ${without[behaviour.id]})` : '';
      it(`${behaviour.id}: ${behaviour.title}${reason}`, () => carryOut(behaviour, bench), LONGEST);
    }
  });
}
