/** Plugins: a package that brings builders, sources of declarations, stores of state, and kinds of nodes. */
import type { Builder } from './builder.ts';
import type { NodeKind } from './kind.ts';
import type { OptionsSchema } from './options.ts';
import type { SourceKind } from './source.ts';
import type { StoreKind } from './store-kind.ts';

/** Version of the contract in this package. It rises when a plugin of the version before would not work any more. */
export const PLUGIN_API = 1;

/** Facts of the machine and the project that a builder may use. */
export interface BuilderPlace {
  /** A folder of this builder's own in the project's data, kept between runs; absolute, made by whoever uses it first. */
  readonly dir: string;
  /** Environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One kind of builder: how its options are checked and how one is made. `create` does no I/O. */
export interface BuilderKind<Options = never> {
  readonly options: OptionsSchema<Options>;
  create(options: Options, place: BuilderPlace): Builder;
}

/** What a plugin package exports as `plugin`. Each record is by the name that a declaration writes as `type`. */
export interface Plugin {
  /** Version of the contract that the plugin was written for; {@link definePlugin} sets it. */
  readonly api: number;
  /** For people: the name of its package, or a shorter one. */
  readonly name: string;
  readonly builders: Readonly<Record<string, BuilderKind>>;
  readonly sources: Readonly<Record<string, SourceKind>>;
  readonly stores: Readonly<Record<string, StoreKind>>;
  readonly kinds: Readonly<Record<string, NodeKind>>;
}

/** Makes a plugin of what it brings. */
export function definePlugin(plugin: Partial<Omit<Plugin, 'api'>> & { readonly name: string }): Plugin {
  return { builders: {}, sources: {}, stores: {}, kinds: {}, ...plugin, api: PLUGIN_API };
}

/** Ties the options' type of a builder kind together; returns it as it is. */
export function defineBuilder<Options>(kind: BuilderKind<Options>): BuilderKind {
  return kind as BuilderKind<never>;
}

/** As {@link defineBuilder}, for a source. */
export function defineSource<Options>(kind: SourceKind<Options>): SourceKind {
  return kind as SourceKind<never>;
}

/** As {@link defineBuilder}, for a store. */
export function defineStore<Options>(kind: StoreKind<Options>): StoreKind {
  return kind as StoreKind<never>;
}

/** As {@link defineBuilder}, for a kind of nodes. */
export function defineKind<Options>(kind: NodeKind<Options>): NodeKind {
  return kind as NodeKind<never>;
}
