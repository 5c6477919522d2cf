/** A stand-in for DSS, for tests. */
export type * from './types.ts';
export { generateInstance } from './generate.ts';
export type { GenerateOptions } from './generate.ts';
export { writeDataDir } from './data-dir.ts';
export type { AutomationLayout, DataDirOptions } from './data-dir.ts';
export { startFakeDss } from './server.ts';
export type { FakeDss } from './server.ts';
export type { BuiltImages, Fault, RecordedCall, ServerOptions } from './server-types.ts';
export { driveRealClient, realClientCalls } from './real-client.ts';
export type { ClientCall, ClientResult } from './real-client.ts';
