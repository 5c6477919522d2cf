/** Python environments as layers, from locked wheels: no installer runs. */
export type { BuildTool, BuiltWheel, Means, PythonEnvRequest } from './types.ts';
export { pythonEnvLayers } from './env.ts';
export { standardBytecode } from './standard.ts';
export type { StandardBytecodeRequest } from './standard.ts';
export { buildSdist } from './sdist.ts';
export { unpackWheel } from './wheel/unpacked.ts';
export type { WheelSource } from './wheel/unpacked.ts';
export type { ExpectedWheel } from './wheel/wheel.ts';
