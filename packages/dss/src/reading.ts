/** What was read of one DSS instance, from its API or from its data directory: DSS's own JSON, in one shape for both. */

/** JSON as DSS keeps it. Nothing in it has been checked: keys may be missing, and values of any type. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Types of nodes. */
export type NodeType = 'design' | 'automation' | 'api' | 'deployer' | 'govern';

/** One instance. */
export interface InstanceReading {
  readonly from: 'data-dir' | 'api';
  /** The data directory or the address, for people. */
  readonly place: string;
  readonly node: NodeType;
  /** `product_version`, such as `14.3.2`; null where nothing says it. */
  readonly version: string | null;
  /** As `install.ini` writes it; lower-cased in the names of images. Null where nothing says it (the API does not). */
  readonly installId: string | null;
  /** `general-settings.json`, or what `GET /admin/general-settings` answers. Null where it could not be read. */
  readonly generalSettings: JsonObject | null;
  /** Clusters by id, with their settings: a cluster may override registries and bases of configs. */
  readonly clusters: Readonly<Record<string, JsonObject>>;
  readonly envs: readonly EnvReading[];
  /** Code Studio templates by id. */
  readonly codeStudioTemplates: Readonly<Record<string, JsonObject>>;
  /** `run/built-base-images.json`, as it stands; null where there is none. */
  readonly builtBaseImages: Json | null;
  /** `run/cde-images.json`, as it stands; null where there is none. */
  readonly cdeImages: Json | null;
  /** Rows `{envLang, envName, envUsage, projectKey, objectId}`; null: not read. */
  readonly usages: readonly JsonObject[] | null;
  /** What could not be read, one sentence each. */
  readonly missing: readonly string[];
}

/** One code env, with its settings in the shape in which the API gives them whatever they were read from. */
export interface EnvReading {
  readonly language: 'PYTHON' | 'R';
  /** Name in DSS. */
  readonly name: string;
  /** `DESIGN_MANAGED` …, `AUTOMATION_VERSIONED` …, as DSS writes it. */
  readonly deploymentMode: string;
  readonly owner: string | null;
  /**
   * The settings: `desc`, `specPackageList`, `specCondaEnvironment`, `allContainerConfs`, `containerConfs`, the fragments …; of an automation env
   * without versions too. `resourcesInitScript` (text) where there is one.
   */
  readonly settings: JsonObject;
  /** Of a versioned env: one set of settings a version, newest last. Else null. */
  readonly versions: readonly EnvVersionReading[] | null;
  /** The pins that run today (`actual/requirements.txt`), where they could be read. */
  readonly actual: string | null;
  /** What DSS remembers of the env's images; empty where it says nothing. */
  readonly images: readonly BuiltImage[];
}

/** One version of a versioned env. */
export interface EnvVersionReading {
  readonly id: string;
  readonly settings: JsonObject;
  readonly actual: string | null;
  readonly images: readonly BuiltImage[];
}

/** An image that DSS says it has built. */
export interface BuiltImage {
  /** Name as DSS wrote it: `[registry/]repository:tag`. */
  readonly name: string;
  /** Base that it was built on, as DSS wrote it; null: not said. */
  readonly base: string | null;
  /** RFC 3339, UTC; null: not said. */
  readonly at: string | null;
  /** Version of DSS that built it; null: not said. */
  readonly version: string | null;
}
