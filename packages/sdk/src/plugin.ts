/** Plugins: a package that brings builders (later: sources, stores, kinds). */
import type { Builder } from './builder.ts';

/** The part of the Standard Schema interface (standardschema.dev, version 1) that rebake calls: zod, valibot and arktype all have it. */
export interface OptionsSchema<T> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => OptionsResult<T> | Promise<OptionsResult<T>>;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

/** Outcome of a validation: a value, or issues with their paths. */
export type OptionsResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

/** One kind of builder: how its options are checked and how one is made. `create` does no I/O. */
export interface BuilderKind<Options = never> {
  readonly options: OptionsSchema<Options>;
  create(options: Options): Builder;
}

/** What a plugin package exports as `plugin`. */
export interface Plugin {
  /** Version of this contract that the plugin was written for. */
  readonly api: 1;
  readonly name: string;
  readonly builders: Readonly<Record<string, BuilderKind>>;
}

/** Gives a plugin its types; returns it as it is. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

/** Ties the options' type of a builder kind together; returns it as it is. */
export function defineBuilder<Options>(kind: BuilderKind<Options>): BuilderKind {
  return kind as BuilderKind<never>;
}
