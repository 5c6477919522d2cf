/** What the mapping from a reading to a declaration takes and gives. */
import type { Json } from '../reading.ts';

/** What the reading does not say. */
export interface DeclareOptions {
  /** Name of the instance in the declaration. */
  readonly name: string;
  /** Address and file of the key; null: none are known, and nothing is bound to the instance. */
  readonly live: { readonly url: string; readonly apiKeyFile: string; readonly ca?: string } | null;
}

/** Something of DSS that the declaration does not hold. */
export interface Unmapped {
  /** Where it stands, such as `codeEnvs.glm.settings.extraKey`. */
  readonly where: string;
  readonly value: Json;
  readonly why: string;
}

/** Sections of a config file, in its very form. */
export type Sections = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** A declaration with the files that it names. */
export interface Declared {
  readonly sections: Sections;
  /** Texts by path, relative to the config file. */
  readonly files: ReadonlyMap<string, string>;
  readonly unmapped: readonly Unmapped[];
}

/** What the parts of the mapping write into. */
export interface Draft {
  readonly options: DeclareOptions;
  readonly files: Map<string, string>;
  readonly unmapped: Unmapped[];
}
