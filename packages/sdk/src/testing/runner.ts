/** Carries out behaviours: each as it stands, or, where it cannot be had here, what can be asked all the same. */
import { BuildFailure } from '@rebake/image';
import type { Behaviour, Need } from './behaviour.ts';
import { BEHAVIOURS } from './behaviours.ts';
import { createBench } from './bench.ts';
import type { Bench } from './bench.ts';
import { refusesOffer, refusesStep } from './refusals.ts';
import type { Rig } from './rig.ts';
import { hold, RuleBroken } from './rules.ts';

/** How a behaviour came out. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/**
 * Runs behaviours on a bench of their own, one after the other, without any test runner. `ids`: only these, in the suite's order; default: all.
 * Everything that was made in the engine under test is removed again. Rejects only where the rig itself is wrong.
 */
export async function runBehaviours(rig: Rig, ids?: readonly string[]): Promise<ReadonlyMap<string, Outcome>> {
  checkIds(ids ?? []);
  checkIds(Object.keys(rig.without ?? {}));
  const outcomes = new Map<string, Outcome>();
  const bench = createBench(rig);
  try {
    for (const behaviour of BEHAVIOURS) {
      if (ids !== undefined && !ids.includes(behaviour.id)) continue;
      outcomes.set(
        behaviour.id,
        await carryOut(behaviour, bench).then(
          () => ({ ok: true }),
          (error: unknown) => ({ ok: false, error }),
        ),
      );
    }
  } finally {
    await bench.close();
  }
  return outcomes;
}

/** Throws for names of behaviours that there are not. */
export function checkIds(ids: readonly string[]): void {
  const unknown = ids.filter((id) => !BEHAVIOURS.some((behaviour) => behaviour.id === id));
  if (unknown.length > 0) throw new Error(`no such behaviours: ${unknown.join(', ')}`);
}

/** Carries out one behaviour; rejects where the builder does not have it. */
export async function carryOut(behaviour: Behaviour, bench: Bench): Promise<void> {
  const { without = {} } = bench.rig;
  const reason = Object.hasOwn(without, behaviour.id) ? without[behaviour.id] : undefined;
  for (const need of behaviour.needs) {
    if (!(await isMissing(need, bench))) continue;
    if ('step' in need) return refusesStep(bench, need.step);
    if ('offer' in need) return refusesOffer(bench, need.offer);
    hold(reason !== undefined, `The rig gives ${need.part}, or says in \`without\` why not`);
    return;
  }
  if (reason !== undefined) return waived(behaviour, bench);
  try {
    await behaviour.run(bench);
  } catch (error) {
    if (error instanceof RuleBroken) error.message += `\n  why it matters: ${behaviour.why}`;
    throw error;
  }
}

/** Of a behaviour that is said to be impossible: that it is, and that nothing is done wrong instead. */
async function waived(behaviour: Behaviour, bench: Bench): Promise<void> {
  try {
    await behaviour.run(bench);
  } catch (error) {
    if (behaviour.waiver === 'reason' || error instanceof BuildFailure) return;
    throw error;
  }
  throw new RuleBroken(`The builder has the behaviour ${behaviour.id}: it is not to be listed in \`without\``);
}

async function isMissing(need: Need, bench: Bench): Promise<boolean> {
  if ('step' in need) {
    const { steps } = await bench.capabilities();
    return !steps.some((step) => step.startsWith(`${need.step}@`));
  }
  if ('offer' in need) return (await bench.capabilities()).lacks?.includes(need.offer) === true;
  return bench.rig[need.part as never] === undefined && bench.rig.registries[need.part as never] === undefined;
}
