/** Runs a TypeScript config, and says where it (or another module of the user's) went wrong when it did. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { importFile, type Exports } from './modules.ts';
import type { Spot } from './source.ts';

/** What became of running a config. `file` is the one that the error is in: the config, or a module that it imports. */
export type Ran =
  | { readonly ok: true; readonly exports: Exports }
  | {
      readonly ok: false;
      readonly kind: 'syntax' | 'thrown';
      readonly message: string;
      readonly file: string;
      readonly spot: Spot | null;
      /** Module that could not be found, when that is the error. */
      readonly specifier: string | null;
    };

/** Runs a config file. */
export async function runConfig(file: string): Promise<Ran> {
  try {
    return { ok: true, exports: await importFile(pathToFileURL(file).href) };
  } catch (error) {
    return explain(error, file);
  }
}

/** What was thrown, as a place and a sentence. Anything can be thrown, and its members can lie. */
export function explain(error: unknown, file: string): Ran & { readonly ok: false } {
  const text = (read: () => unknown): string => {
    try {
      const value = read();
      return typeof value === 'string' ? stripVTControlCharacters(value) : '';
    } catch {
      return '';
    }
  };
  const isObject = typeof error === 'object' && error !== null;
  const stack = isObject ? text(() => (error as Error).stack) : '';
  const message = isObject
    ? text(() => (error as Error).message)
    : text(() => (typeof error === 'string' ? error : JSON.stringify(error)));
  const syntax = isObject && text(() => (error as Error).name) === 'SyntaxError';
  const lost = /^Cannot find (?:module|package) '([^']+)' imported from (.+?)(?:\?.*)?$/m.exec(message);
  if (lost !== null) {
    const importer = lost[2]?.startsWith('file:') === true ? fileURLToPath(lost[2]) : (lost[2] ?? file);
    return {
      ok: false,
      kind: 'thrown',
      message: `Cannot find \`${lost[1]}\``,
      file: importer,
      spot: null,
      specifier: lost[1] ?? null,
    };
  }
  const at = syntax ? markedLine(stack) : firstFrame(stack);
  const first = message.split('\n')[0] ?? '';
  return {
    ok: false,
    kind: syntax ? 'syntax' : 'thrown',
    message: first === '' ? 'without a message' : first,
    file: at?.file ?? file,
    spot: at?.spot ?? null,
    specifier: null,
  };
}

interface At {
  readonly file: string;
  readonly spot: Spot;
}

/** Node's own picture of a syntax error: `FILE:LINE`, the code, and carets below the column. */
function markedLine(stack: string): At | null {
  const [head, ...rest] = stack.split('\n');
  const match = /^(.*?)(?:\?[^:]*)?:(\d+)$/.exec(head ?? '');
  if (match === null) return null;
  const carets = rest.find((line) => /^\s*\^+\s*$/.test(line));
  return { file: pathOf(match[1] ?? ''), spot: [Number(match[2]), (carets?.indexOf('^') ?? 0) + 1] };
}

/** The first frame in a file of the user. Types are stripped to blanks, so that positions are those of the source. */
function firstFrame(stack: string): At | null {
  for (const line of stack.split('\n')) {
    const match = /(file:\/\/[^\s?()]+)\?[^\s:()]*:(\d+):(\d+)\)?$/.exec(line);
    if (match !== null) return { file: pathOf(match[1] ?? ''), spot: [Number(match[2]), Number(match[3])] };
  }
  return null;
}

function pathOf(text: string): string {
  try {
    return text.startsWith('file:') ? fileURLToPath(text) : text;
  } catch {
    return text;
  }
}
