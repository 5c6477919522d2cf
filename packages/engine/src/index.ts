/** Observe and apply: stores, locks, logs, the scheduler, tag moves. */
export { apply } from './apply/apply.ts';
export type { Applied, ApplyInput, RunSummary } from './apply/apply.ts';
export type { BrakeSettings } from './apply/brakes.ts';
export { observe } from './observe/observe.ts';
export type { ObserveInput } from './observe/observe.ts';
export { createBuilderPool } from './run/builders.ts';
export type { BuilderPool, PooledBuilder } from './run/builders.ts';
export { createCtxFactory } from './run/ctx.ts';
export type { CtxFactory, CtxOptions, OpenCtx } from './run/ctx.ts';
export { logName, RUNS_KEPT } from './run/log.ts';
export { createRedactor } from './run/redaction.ts';
export type { RedactingStream, Redactor } from './run/redaction.ts';
export { systemTimer } from './run/timer.ts';
export type { Timer } from './run/timer.ts';
export { checkedStore } from './store/checked.ts';
export type { StoreTrouble } from './store/checked.ts';
export { openStore } from './store/sqlite.ts';
export type { StoreOptions } from './store/sqlite.ts';
