/** How the options of a plugin are checked: by any library that has the Standard Schema interface (standardschema.dev, version 1). */

/** The part of the interface that rebake calls: zod, valibot and arktype all have it. */
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
