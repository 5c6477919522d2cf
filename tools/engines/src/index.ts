// What tests, benchmarks and examples use of the engines. `describeEngine` is in `@rebake/tool-engines/vitest`, since vitest
// can be imported only by what it runs.
export { ENGINE_NAMES, engines, requireEngines } from './engines.ts';
export type { Engines } from './engines.ts';
export { isUp } from './liveness.ts';
export { enginesDir, readState, REGISTRY_NAMES, statePath } from './state.ts';
export type { Credentials, EngineName, EnginesState, RegistryName, RegistryState } from './state.ts';
export { serveWheels } from './wheel-index.ts';
export type { WheelIndex } from './wheel-index.ts';
export { wheelFile, writeWheel } from './wheel.ts';
export type { WheelSpec } from './wheel.ts';
