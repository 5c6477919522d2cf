/** What rebake knows of a DSS instance, and how it talks to one. */
export type * from './reading.ts';
export type { DssCall, DssClient, DssClientOptions, EnvLanguage } from './client-types.ts';
export { containerConfigsOf, field, isObject, sparkConfigsOf } from './settings.ts';
export type { DssContainerConfig, DssSparkConfig } from './settings.ts';
export { declarationOf } from './declare/index.ts';
export type { Declared, DeclareOptions, Sections, Unmapped } from './declare/types.ts';
export { readDataDir } from './data-dir.ts';
export { createDssClient } from './client.ts';
export { readLive, type LiveOptions } from './live.ts';
