/** Sources: parts of a declaration that are kept elsewhere, such as in another tool's inventory. */
import type { SecretRef } from './builder.ts';
import type { OptionsSchema } from './options.ts';

/** What a source is read with. */
export interface SourceCtx {
  readonly signal: AbortSignal;
  /** Folder of the config file; relative paths of options and of what is declared are relative to it. */
  readonly root: string;
  /** Environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Bytes of a secret, or null when it is optional and missing. */
  readonly secret: (ref: SecretRef) => Promise<Uint8Array | null>;
}

/** What a source declares: sections of a config file, in the very form of the config file, such as `{codeEnvs: {glm: {…}}}`. */
export interface SourceAnswer {
  readonly declaration: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What could not be read, one sentence each. Any of them fails the plan: what is missing must not look as if it had been removed. */
  readonly missing: readonly string[];
}

/** One kind of source. It is read each time that the declaration is loaded. */
export interface SourceKind<Options = never> {
  readonly options: OptionsSchema<Options>;
  /** Rejects with a `BuildFailure` where nothing could be read. */
  read(options: Options, ctx: SourceCtx): Promise<SourceAnswer>;
}
