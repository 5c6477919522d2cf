/** The declaration: schema, loading, DSS rules, diagnostics, edits in place, expansion to nodes. */
export type {
  Binding,
  BuilderConfig,
  EnvSummary,
  Expansion,
  ImageFacts,
  Loaded,
  LoadedText,
  Lockable,
  LockableCommon,
  LockableDebian,
  LockablePython,
  PrePush,
} from './contract.ts';
export { defineConfig } from './define-config.ts';
export { diagnostic, DIAGNOSTIC_KINDS, distinct, fromSource, type DiagnosticCode } from './diagnostic-codes.ts';
export { writeDraft } from './edit/write.ts';
export { ConfigNotEditable, configText, configValue, editedConfig, type ConfigEdit } from './edit/config-text.ts';
export { upgradeRelease, type UpgradeOutcome, type UpgradeRequest } from './edit/upgrade.ts';
export { expand } from './expand/index.ts';
export { inputsReference } from './expand/inputs.ts';
export { cacheStamp, keptStamp, loadCached, type CachedLoadRequest } from './load/cache.ts';
export { CONFIG_NAMES, findConfig, type FoundConfig } from './load/find.ts';
export { importPlugin, type ImportedPlugin } from './load/import-plugin.ts';
export { load, type LoadOutcome, type LoadRequest } from './load/load.ts';
export { readDeclaration, type Declaration, type ReadRequest } from './read.ts';
export type { Asked, DeclaredPlugins, DeclaredUse, OpenPlugins, PluginHost } from './plugin-host.ts';
export { listed, nameProblem, nearest } from './names.ts';
export {
  RELEASE_LINES,
  type ReleaseBehaviour,
  type ReleaseCuda,
  type ReleaseLine,
  type ReleaseSource,
} from './release-table.ts';
export { compareReleases, isReleaseVersion, releaseLine } from './releases.ts';
export { type FactChange, type PythonChange, type ReleaseChanges, releaseChanges } from './release-changes.ts';
export {
  isWorkload,
  resolveBinding,
  WORKLOADS,
  type Refusal,
  type RefusalCode,
  type Resolved,
  type ResolveRequest,
  type Workload,
} from './resolve.ts';
export { dssBaseName, dssEnvRepository, type DssBaseName, type DssBaseType, type DssEnvName } from './dss-names.ts';
export { simulateRelease, type SimulateOutcome, type SimulateRequest, type Simulation } from './simulate.ts';
export { configJsonSchema } from './schema-json.ts';
export type {
  BaseImageConfig,
  CodeEnvConfig,
  Config,
  ConfigInput,
  ContainerConfig,
  RegistryConfig,
  ReleaseConfig,
} from './schema.ts';
export { RELEASE_VERSION, SCHEMA_VERSION } from './schema-words.ts';
