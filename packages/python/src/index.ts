/** Python environments as layers, from locked wheels: no installer runs. */
export type { BuiltWheel, Means, PythonEnvRequest } from './types.ts';
export { pythonEnvLayers } from './env.ts';
export { buildSdist } from './sdist.ts';
