/**
 * The library: all that the command does, as functions. Each loads what it needs when it is called, so that importing the library, and a
 * command that does little, cost next to nothing.
 */
import type { UpgradeOutcome } from '@rebake/model';
import type { Diagnostic, Plan } from '@rebake/sdk';
import type { ApplyOptions, ApplyResult } from './apply.ts';
import type { ExportOptions, ExportResult } from './export.ts';
import type { GraphResult } from './graph.ts';
import type { ImportDssOptions, ImportDssResult } from './import.ts';
import type { LockOptions, LockResult } from './lock-report.ts';
import type { PlanOptions, PlanResult } from './plan.ts';
import type { NewPluginOptions, NewPluginResult } from './scaffold/index.ts';
import type { ProjectOptions } from './project.ts';
import type { PruneOptions, PruneResult } from './prune.ts';
import type { ResolveOptions, ResolveResult } from './resolve.ts';
import type { MatrixOptions, MatrixResult } from './matrix.ts';
import type { ShowResult } from './show.ts';
import type { SimulateOptions, SimulateResult } from './simulate.ts';
import type { StateListResult, StateRemoveResult } from './state.ts';
import type { UpgradeOptions } from './upgrade.ts';
import type { ValidateResult } from './validate.ts';
import type { WhyResult } from './why.ts';

export type { ApplyOptions, ApplyResult } from './apply.ts';
export type { BrakeSettings } from '@rebake/engine';
export { BUILT_IN_KINDS } from './builders.ts';
export { DEFAULT_PARALLELISM } from './defaults.ts';
export { LIBRARY_DIAGNOSTICS, libraryDiagnostic } from './diagnostics.ts';
export { explanationJson, type Explanation, type LastRun } from './explanation.ts';
export type { ExportedNode, ExportOptions, ExportResult } from './export.ts';
export type { GraphResult } from './graph.ts';
export type { ImportDssOptions, ImportDssResult, ImportFrom } from './import.ts';
export type { ImportDifference } from './import-merge.ts';
export type { PackageChange } from './lock-changes.ts';
export type { LockOptions, LockReport, LockResult } from './lock-report.ts';
export type { Planned, PlanOptions, PlanResult } from './plan.ts';
export type { ProjectOptions } from './project.ts';
export type { CacheReport, LayoutReport, PruneOptions, PruneReport, PruneResult } from './prune.ts';
export { recallQuiet, type QuietOptions } from './quiet.ts';
export type { ResolveOptions, ResolveResult, ResolveStatus } from './resolve.ts';
export type { NewPluginOptions, NewPluginResult } from './scaffold/index.ts';
export type { SessionOptions } from './session.ts';
export type { CellStatus, MatrixCell, MatrixOptions, MatrixResult, MatrixRow } from './matrix.ts';
export type { ShownNode, ShowResult } from './show.ts';
export type { Cost, SimulatedUpgrade, SimulateOptions, SimulateResult, StaleKind } from './simulate.ts';
export type { BaseTrouble, Break } from './simulate-breaks.ts';
export type { StateListResult, StateRemoveResult } from './state.ts';
export type { UpgradeOptions } from './upgrade.ts';
export type { ValidateResult } from './validate.ts';
export type { WhyResult } from './why.ts';
export { WORKLOADS } from './workloads.ts';
export { defineConfig, DIAGNOSTIC_KINDS, type ConfigInput, type UpgradeOutcome } from '@rebake/model';
export { shortNames } from '@rebake/planner';

/** Reads the declaration and says all that is wrong with it. Contacts nothing. */
export async function validate(options: ProjectOptions): Promise<ValidateResult> {
  return (await import('./validate.ts')).validate(options);
}

/** Resolves what is declared into locks beside the config, or (`mode: 'check'`) says which are missing or outdated, without contacting anything. */
export async function lock(options: LockOptions): Promise<LockResult> {
  return (await import('./lock.ts')).lock(options);
}

/** Plans, and closes everything again. Looks at the world, changes nothing but caches. */
export async function plan(options: PlanOptions): Promise<PlanResult> {
  return (await import('./plan.ts')).plan(options);
}

/** Plans (or takes a saved plan), asks, carries it out, and closes everything again. */
export async function apply(options: ApplyOptions): Promise<ApplyResult> {
  return (await import('./apply.ts')).apply(options);
}

/** Explains one node, fresh or stale, or no longer declared. */
export async function why(options: PlanOptions & { readonly node: string }): Promise<WhyResult> {
  return (await import('./why.ts')).why(options);
}

/** The image that a run uses, or why there is none. Trusts the state unless `refresh` is `all`. */
export async function resolve(options: ResolveOptions): Promise<ResolveResult> {
  return (await import('./resolve.ts')).resolve(options);
}

/** Code envs × container configs, each cell with how things stand there and why. */
export async function matrix(options: MatrixOptions): Promise<MatrixResult> {
  return (await import('./matrix.ts')).matrix(options);
}

/** What another version of DSS would mean: `upgrade --simulate`. */
export async function simulateUpgrade(options: SimulateOptions): Promise<SimulateResult> {
  return (await import('./simulate.ts')).simulateUpgrade(options);
}

/** Edits the version of a release in the config file; comments and formatting stay as they are. */
export async function upgrade(options: UpgradeOptions): Promise<UpgradeOutcome> {
  return (await import('./upgrade.ts')).upgrade(options);
}

/** One node by id or short name, or all, with what the state knows of them. Contacts nothing. */
export async function show(options: ProjectOptions & { readonly node?: string }): Promise<ShowResult> {
  return (await import('./show.ts')).show(options);
}

/** Writes images of the project's layouts into one archive that Docker, Podman and skopeo load. */
export async function exportImages(options: ExportOptions): Promise<ExportResult> {
  return (await import('./export.ts')).exportImages(options);
}

/** Frees what nobody uses of the cache of this machine, and of the project's own image layouts. Needs no project. */
export async function prune(options: PruneOptions): Promise<PruneResult> {
  return (await import('./prune.ts')).prune(options);
}

/** Draws the graph of the declaration. Contacts nothing. */
export async function graph(options: ProjectOptions & { readonly format: 'json' | 'mermaid' }): Promise<GraphResult> {
  return (await import('./graph.ts')).graph(options);
}

/** All entries of the state. The declaration may be broken: the state is read all the same. */
export async function stateList(options: ProjectOptions): Promise<StateListResult> {
  return (await import('./state.ts')).stateList(options);
}

/** Forgets entries, under the lock. Images and tags stay where they are. */
export async function stateRemove(
  options: ProjectOptions & { readonly nodes: readonly string[] },
): Promise<StateRemoveResult> {
  return (await import('./state.ts')).stateRemove(options);
}

/** Makes the package of a new builder plugin, from the contract of the installed SDK. */
export async function newPlugin(options: NewPluginOptions): Promise<NewPluginResult> {
  return (await import('./scaffold/index.ts')).newPlugin(options);
}

/** The bytes of a plan file: canonical JSON and a newline. The same plan gives the same bytes. */
export async function serializePlan(made: Plan): Promise<string> {
  return (await import('@rebake/planner')).serializePlan(made);
}

/** Saves a plan where `apply` can take it from; `file` is relative to `cwd`. What hinders is a diagnostic. */
export async function savePlan(made: Plan, file: string, cwd: string): Promise<readonly Diagnostic[]> {
  return (await import('./plan-file.ts')).savePlan(made, file, cwd);
}

/** Writes what a DSS instance has as a declaration, or compares it with the one that is there. Contacts nothing. */
export async function importDss(options: ImportDssOptions): Promise<ImportDssResult> {
  return (await import('./import.ts')).importDss(options);
}
