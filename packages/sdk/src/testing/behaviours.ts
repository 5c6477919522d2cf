/** All behaviours, in the order in which they are carried out. A new group is one more file in `groups/` and one more line here. */
import type { Behaviour } from './behaviour.ts';
import { accesses } from './groups/access.ts';
import { build } from './groups/build.ts';
import { cancel } from './groups/cancel.ts';
import { config } from './groups/config.ts';
import { contexts } from './groups/contexts.ts';
import { failures } from './groups/failures.ts';
import { large } from './groups/large.ts';
import { leftovers } from './groups/leftovers.ts';
import { inspect, names } from './groups/names.ts';
import { parallel } from './groups/parallel.ts';
import { probe } from './groups/probe.ts';
import { progress } from './groups/progress.ts';
import { registry } from './groups/registry.ts';
import { secrets } from './groups/secrets.ts';
import { stepKinds } from './groups/steps.ts';
import { death, trouble } from './groups/trouble.ts';
import { values } from './groups/values.ts';

/** What every builder does. */
export const BEHAVIOURS: readonly Behaviour[] = [
  ...probe,
  ...build,
  ...config,
  ...stepKinds,
  ...contexts,
  ...large,
  ...values,
  ...secrets,
  ...accesses,
  ...failures,
  ...cancel,
  ...trouble,
  ...death,
  ...parallel,
  ...progress,
  ...registry,
  ...inspect,
  ...names,
  ...leftovers,
];
