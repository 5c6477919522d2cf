/** Collects diagnostics while a declaration is read, so that all problems are told at once. */
import { isAbsolute, posix } from 'node:path';
import type { Diagnostic, Where } from '@rebake/sdk';
import type { Loaded, LoadedText } from '../contract.ts';
import { diagnostic } from '../diagnostic-codes.ts';
import type { DiagnosticCode } from '../diagnostic-codes.ts';
import { Removed } from './removed.ts';
import type { KeyPath } from './key-path.ts';

export type { KeyPath } from './key-path.ts';

/** The diagnostics so far. */
export class Problems {
  readonly found: Diagnostic[] = [];
  /** How many of them are errors: whoever compares it before and after knows whether something is sound. */
  errors = 0;
  private readonly loaded: Loaded;

  /** What loading took out. */
  readonly removed: Removed;

  constructor(loaded: Loaded, removed: readonly string[]) {
    this.loaded = loaded;
    this.removed = new Removed(removed);
  }

  /** Notes a problem at a path of keys; `severity` where it is another than usual. */
  add(code: DiagnosticCode, path: KeyPath, message: string, help?: string, severity?: Diagnostic['severity']): void {
    this.addAt(code, this.loaded.locate(path), message, help, severity);
  }

  /** Notes a problem at a place. */
  addAt(code: DiagnosticCode, where: Where, message: string, help?: string, severity?: Diagnostic['severity']): void {
    const told = diagnostic(code, message, where, help);
    const made = severity === undefined ? told : { ...told, severity };
    if (made.severity === 'error') this.errors++;
    this.found.push(made);
  }

  /** How far it has come. */
  mark(): Mark {
    return { found: this.found.length, errors: this.errors };
  }

  /** The code of the first error after a mark of before; null when there is none. */
  firstErrorSince(mark: Mark): string | null {
    if (this.errors === mark.errors) return null;
    return this.found.slice(mark.found).find((one) => one.severity === 'error')?.code ?? null;
  }
}

/** How far diagnostics had come. */
export interface Mark {
  readonly found: number;
  readonly errors: number;
}

/** Text that stands in the declaration or in a file that it names, with the place of any of its lines. */
export interface PlacedText {
  readonly text: string;
  /** Place of a line, from 1. */
  at(line: number, column?: number): Where;
}

/** Text at a path of keys: written there, or in the file that `{file}` there names. Null where the file was not read. */
export function textOf(loaded: Loaded, path: KeyPath, value: string | { readonly file: string }): PlacedText | null {
  if (typeof value === 'string') return { text: value, at: () => loaded.locate(path) };
  const filePath = [...path, 'file'];
  const file = loaded.texts.get(filePath.join('.'));
  return file === undefined ? null : placedFile(loaded, file, filePath);
}

/** A file that was read, with the places of its lines. */
export function placedFile(loaded: Loaded, file: LoadedText, path: KeyPath): PlacedText {
  const name = isAbsolute(file.path) ? file.path : posix.join(loaded.root, file.path);
  return { text: file.text, at: (line, column = 1) => ({ file: name, line, column, path: path.join('.') }) };
}
