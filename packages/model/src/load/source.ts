/** A declaration as it was read: plain data, and where each part of it stands. What YAML and TypeScript have in common from here on. */
import type { Diagnostic, Where } from '@rebake/sdk';

/** Path of keys from the root of a declaration. */
export type KeyPath = readonly (string | number)[];

/** A declaration that was read, before it is validated. */
export interface Source {
  /** Absolute path of the config file. */
  readonly file: string;
  /** Plain data: null, booleans, numbers, strings, arrays, and objects without a prototype. */
  readonly value: unknown;
  /** Place of a value, of its key, or of the nearest parent that has one. */
  place(path: KeyPath, what: 'value' | 'key'): Where;
  /** A scalar as it was written, such as `3.10` for a number that is 3.1 by now; undefined when nobody knows. */
  written(path: KeyPath): string | undefined;
  /** All places at once, where they are known without looking; they can be kept. */
  readonly spots: SpotTree | null;
  /** Plugins that the declaration hands over itself, by their place in `plugins`; a text stands for them in `value`. */
  readonly plugins?: ReadonlyMap<number, unknown>;
}

/** Outcome of reading: without a source when the file could not be understood at all. */
export interface ReadSource {
  readonly source: Source | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Path of keys as it is shown to people and kept in {@link Where}: `codeEnvs.glm.packages`. */
export function dotted(path: KeyPath): string {
  return path.join('.');
}

/** Value at a path of plain data; undefined when there is none. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/** A mapping, in the words of YAML: an object that is no array. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Line and column, both from 1. */
export type Spot = readonly [line: number, column: number];

/** Spots of a value and of what is in it. `key` is there for members of mappings. */
export interface SpotTree {
  readonly value: Spot;
  readonly key?: Spot;
  readonly children?: ReadonlyMap<string, SpotTree>;
  readonly written?: string;
}

/** Looks a path up in a tree of spots, going no deeper than the tree does. */
export function spotOf(tree: SpotTree, path: KeyPath, what: 'value' | 'key'): Spot {
  let at = tree;
  for (const [index, key] of path.entries()) {
    const child = at.children?.get(String(key));
    if (child === undefined) return preferred(at, index === path.length ? what : 'value');
    at = child;
  }
  return preferred(at, what);
}

/** A value that starts on a later line than its key is found by its key. */
export function preferred({ value, key }: SpotTree, what: 'value' | 'key'): Spot {
  return key !== undefined && (what === 'key' || key[0] !== value[0]) ? key : value;
}
