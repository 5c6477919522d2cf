/** Builders that are wrong in one way each, as wrappers around a good one: what the conformance suite is tested with. */
import { contents } from './contents.ts';
import type { Fault } from './fault.ts';
import { images } from './images.ts';
import { reports } from './reports.ts';
import { trouble } from './trouble.ts';

/** All faults. */
export const FAULTS: readonly Fault[] = [...trouble, ...contents, ...reports, ...images];
