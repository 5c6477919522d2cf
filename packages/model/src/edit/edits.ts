/** What an edit of a declaration asks for, and what finding its place comes to; the same for YAML and TypeScript. */
import type { KeyPath } from '../load/source.ts';
import type { Splice } from './splice.ts';

/** Sets a text member of a mapping; one that is not there is added after the member `after`. */
export interface SetText {
  readonly mapping: KeyPath;
  readonly key: string;
  readonly value: string;
  readonly after: string;
}

/** The splice that does it, or the path of the value that is not written as a text anywhere. */
export type FoundSplice =
  | { readonly ok: true; readonly splice: Splice }
  | { readonly ok: false; readonly path: KeyPath };
