/** All behaviours, in the order in which they are carried out. A new group is one more file in `groups/` and one more line here. */
import type { Behaviour } from './behaviour.ts';
import { probe } from './groups/probe.ts';

/** What every builder does. */
export const BEHAVIOURS: readonly Behaviour[] = [...probe];
