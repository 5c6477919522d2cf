/** The calls of DSS's public API that rebake makes, as types. */
import type { Json, JsonObject } from './reading.ts';

/** One call, as it is told to who watches. */
export interface DssCall {
  readonly method: string;
  /** Path and query. No secret stands in it. */
  readonly path: string;
  /** Null: no answer came. */
  readonly status: number | null;
  readonly ms: number;
}

/** How an instance is reached. */
export interface DssClientOptions {
  readonly url: string;
  readonly apiKey: Uint8Array | string;
  /** PEM. */
  readonly ca?: string;
  readonly insecure?: boolean;
  /** Requests at a time; 20. */
  readonly atOnce?: number;
  /** Further tries of a GET. */
  readonly retries?: number;
  readonly onCall?: (call: DssCall) => void;
}

/** Languages of code envs in paths of the API. */
export type EnvLanguage = 'PYTHON' | 'R';

/** The public API. Every failure is a `BuildFailure` with DSS's own words. */
export interface DssClient {
  listEnvs(): Promise<readonly JsonObject[]>;
  envSettings(language: EnvLanguage, name: string): Promise<JsonObject>;
  putEnvSettings(language: EnvLanguage, name: string, settings: JsonObject): Promise<JsonObject>;
  updatePackages(
    language: EnvLanguage,
    name: string,
    options: { readonly forceRebuildEnv: boolean; readonly versionToUpdate?: string; readonly wait: boolean },
  ): Promise<JsonObject>;
  updateImages(
    language: EnvLanguage,
    name: string,
    options: { readonly envVersion?: string; readonly wait: boolean },
  ): Promise<JsonObject>;
  future(jobId: string): Promise<JsonObject>;
  abortFuture(jobId: string): Promise<void>;
  envUsages(language: EnvLanguage, name: string): Promise<readonly JsonObject[]>;
  allUsages(): Promise<readonly JsonObject[]>;
  listLogs(language: EnvLanguage, name: string): Promise<readonly JsonObject[]>;
  log(language: EnvLanguage, name: string, log: string): Promise<string>;
  generalSettings(): Promise<JsonObject>;
  putGeneralSettings(settings: JsonObject): Promise<Json>;
  pushBaseImages(): Promise<JsonObject>;
  listClusters(): Promise<readonly JsonObject[]>;
  cluster(id: string): Promise<JsonObject>;
}
