/** A made-up instance: DSS's own JSON, as its data directory and its API give it. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** One instance. The server changes its own copy, never this. */
export interface FakeInstance {
  readonly node: 'design' | 'automation';
  readonly version: string;
  readonly installId: string;
  readonly generalSettings: JsonObject;
  readonly clusters: Readonly<Record<string, JsonObject>>;
  readonly envs: readonly FakeEnv[];
  readonly codeStudioTemplates: Readonly<Record<string, JsonObject>>;
  /** Rows `{envLang, envName, envUsage, projectKey, objectId}`. */
  readonly usages: readonly JsonObject[];
  readonly builtBaseImages: Json;
  readonly cdeImages: Json;
}

/** One code env; `settings` in the shape of `GET /admin/code-envs/LANG/NAME`. */
export interface FakeEnv {
  readonly language: 'PYTHON' | 'R';
  readonly name: string;
  readonly deploymentMode: string;
  readonly owner: string;
  readonly settings: JsonObject;
  readonly versions: readonly { readonly id: string; readonly settings: JsonObject; readonly actual: string }[] | null;
  readonly actual: string | null;
}
