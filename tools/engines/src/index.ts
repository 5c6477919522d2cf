// What tests, benchmarks and examples use of the engines. `describeEngine` is in `@rebake/tool-engines/vitest`, since vitest
// can be imported only by what it runs.
export { startBuildkitd } from './buildkitd.ts';
export type { Buildkitd, BuildkitdOptions } from './buildkitd.ts';
export { ENGINE_NAMES, engines, requireEngines } from './engines.ts';
export type { Engines } from './engines.ts';
export { isServing } from './grpc-health.ts';
export type { TlsFiles } from './grpc-health.ts';
export { startHosts } from './hosts.ts';
export type { Host, Hosts, HostsOptions } from './hosts.ts';
export { isUp } from './liveness.ts';
export { enginesDir, readState, REGISTRY3_NAMES, REGISTRY_NAMES, statePath } from './state.ts';
export type { Credentials, EngineName, EnginesState, PodmanState, RegistryName, RegistryState } from './state.ts';
export { writeTinyRootfs } from './tiny-rootfs.ts';
export { serveWheels } from './wheel-index.ts';
export type { WheelIndex } from './wheel-index.ts';
export { wheelFile, writeWheel } from './wheel.ts';
export type { WheelSpec } from './wheel.ts';
