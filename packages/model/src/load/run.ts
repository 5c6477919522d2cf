/** Runs a TypeScript config with Node's own type stripping, and says where it went wrong when it did. */
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Spot } from './source.ts';

/** Package that configs import `defineConfig` from; it need not be installed beside them. */
const LIBRARY = '@rebake/rebake';
const STAND_IN = `data:text/javascript,${encodeURIComponent('export const defineConfig = (config) => config;')}`;
const MARK = 'rebake-config';

/** Node's own `import()`: bundlers and test runners put theirs in the place of the one that they see, and type stripping is Node's. */
const NATIVE_IMPORT = `data:text/javascript,${encodeURIComponent('export const load = (url) => import(url);')}`;

/** What became of running a config. `file` is the one that the error is in: the config, or a module that it imports. */
export type Ran =
  | { readonly ok: true; readonly exports: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false;
      readonly kind: 'syntax' | 'thrown';
      readonly message: string;
      readonly file: string;
      readonly spot: Spot | null;
      /** Module that could not be found, when that is the error. */
      readonly specifier: string | null;
    };

let hooked = false;
let runs = 0;

/**
 * Configs and the modules of theirs that they import carry a mark in their URL, different with each run, so that an edited file is read
 * again, and so that the hook touches nothing else.
 */
function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const mark = markOf(context.parentURL) ?? markOf(specifier);
      if (mark === null) return next(specifier, context);
      if (specifier === LIBRARY) return { url: STAND_IN, format: 'module', shortCircuit: true };
      const resolved = next(specifier, context);
      const own = resolved.url.startsWith('file:') && !resolved.url.includes('/node_modules/');
      if (!own) return resolved;
      // A config is a module wherever it stands, also in a folder whose package.json says nothing or something else.
      const typescript = /\.m?ts$/.test(new URL(resolved.url).pathname);
      return { ...resolved, url: marked(resolved.url, mark), ...(typescript ? { format: 'module-typescript' } : {}) };
    },
  });
}

function markOf(url: string | undefined): string | null {
  return url?.startsWith('file:') === true ? new URL(url).searchParams.get(MARK) : null;
}

function marked(url: string, mark: string): string {
  const own = new URL(url);
  own.searchParams.set(MARK, mark);
  return own.href;
}

/** Runs a config file. `digest` names its content, for the URL under which Node keeps it. */
export async function runConfig(file: string, digest: string): Promise<Ran> {
  hook();
  runs += 1;
  const url = marked(pathToFileURL(file).href, `${digest}-${runs}`);
  try {
    const native = (await import(/* @vite-ignore */ NATIVE_IMPORT)) as {
      load(url: string): Promise<Record<string, unknown>>;
    };
    return { ok: true, exports: await native.load(url) };
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
