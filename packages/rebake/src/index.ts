/** The library: all that the command does, as functions. Nothing heavy is loaded before a function needs it. */
export { apply, DEFAULT_PARALLELISM, type ApplyOptions, type ApplyResult } from './apply.ts';
export { BUILT_IN_KINDS } from './builders.ts';
export { LIBRARY_DIAGNOSTICS, libraryDiagnostic } from './diagnostics.ts';
export { graph, type GraphResult } from './graph.ts';
export { plan, type Planned, type PlanOptions, type PlanResult } from './plan.ts';
export { savePlan } from './plan-file.ts';
export type { ProjectOptions } from './project.ts';
export { recallQuiet } from './quiet.ts';
export { resolve, WORKLOADS, type ResolveOptions, type ResolveResult, type ResolveStatus } from './resolve.ts';
export type { SessionOptions } from './session.ts';
export { show, type ShownNode, type ShowResult } from './show.ts';
export { stateList, stateRemove, type StateListResult, type StateRemoveResult } from './state.ts';
export { upgrade, type UpgradeOptions } from './upgrade.ts';
export { validate, type ValidateResult } from './validate.ts';
export { explanationJson, why, type Explanation, type LastRun, type WhyResult } from './why.ts';
export { defineConfig, DIAGNOSTIC_KINDS, type ConfigInput } from '@rebake/model';
export { serializePlan, shortNames } from '@rebake/planner';
