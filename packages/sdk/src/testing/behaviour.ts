/** What a behaviour is: one thing that every builder does, and what it takes to find out. */
import type { Step } from '@rebake/image';
import type { Lack } from '../plan.ts';
import type { Bench } from './bench.ts';

/** Parts that a rig may leave out. */
export type RigPart = 'auth' | 'tls' | 'token' | 'index' | 'ownEngine' | 'leftovers' | 'unreachable';

/**
 * What a behaviour cannot be tried without. A builder that does not list the `step`, or that `lacks` what is offered, is asked in place of the
 * behaviour that it refuses such a job. A rig that leaves out the `part` has to list the behaviour in `without`.
 */
export type Need = { readonly step: Step['step'] } | { readonly offer: Lack } | { readonly part: RigPart };

/**
 * What is asked where a behaviour is listed in the rig's `without`, and neither a step, an offer nor a part is missing. `refusal`: the builder
 * refuses with a `BuildFailure` instead of doing it wrong. `reason`: the reason is enough. In both cases a behaviour that can be had after all
 * is a mistake in the list.
 */
export type Waiver = 'refusal' | 'reason';

/** One behaviour. */
export interface Behaviour {
  /** `group/what`, stable: rigs name it in `without`. */
  readonly id: string;
  readonly group: string;
  /** One sentence that says what a builder does. */
  readonly title: string;
  /** Why it matters, one sentence: for whoever has to mend a builder that does not do it. */
  readonly why: string;
  readonly needs: readonly Need[];
  readonly waiver: Waiver;
  /** Rejects where the builder does not do it. */
  run(bench: Bench): Promise<void>;
}
