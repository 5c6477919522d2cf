/** What reading a declaration asks of plugins: an interface, so that the model knows neither how they are loaded nor which come with rebake. */
import type { Diagnostic, KindCtx, SourceAnswer, Where } from '@rebake/sdk';

/** The plugins of a declaration, before any of them is loaded. */
export interface DeclaredPlugins {
  /** Folder of the config file. */
  readonly root: string;
  /** Items of `plugins` in their order: names and paths as written, what a TypeScript declaration hands over itself, and null for what is neither. */
  readonly items: readonly unknown[];
  /** Place of a value by its path of keys. */
  readonly locate: (path: readonly (string | number)[]) => Where;
}

/** A `{type, options}` in the declaration. */
export interface DeclaredUse {
  /** Path of its keys, such as `sources`, `inventory`. */
  readonly path: readonly string[];
  readonly type: string;
  /** Not yet checked by its kind. */
  readonly options: unknown;
}

/** What was asked for, or why it cannot be had. */
export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Plugins at work, while a declaration is read. Neither method rejects but with the reason of an abort. */
export interface PluginHost {
  /** Reads a source that is declared at a place. What it declares is not checked yet. */
  source(use: DeclaredUse, at: Where): Promise<Asked<SourceAnswer['declaration']>>;
  /** Expands nodes of a kind; they are not checked yet. */
  nodes(use: DeclaredUse, ctx: KindCtx): Promise<Asked<readonly unknown[]>>;
}

/** Opens the plugins of a declaration; called where it has sources or nodes of plugins, and loads none by itself. */
export type OpenPlugins = (declared: DeclaredPlugins) => Promise<PluginHost>;
