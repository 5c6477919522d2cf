/** Reads a TypeScript config: runs it, takes what it exports as plain data, and finds places in its source only when one is asked for. */
import { readFileSync } from 'node:fs';
import type { Where } from '@rebake/sdk';
import { diagnostic } from '../diagnostic-codes.ts';
import { plain, type Unplain } from './plain.ts';
import { explain, runConfig, type Ran } from './run.ts';
import { dotted, type KeyPath, type ReadSource, type Source, type Spot } from './source.ts';
import { tsPlaces, type TsPlaces } from './ts-places.ts';

/** Stands for a plugin that a declaration hands over itself. */
const PLUGIN_OBJECT = '(a plugin)';

/** Reads a TypeScript declaration. `text` is what the file holds. */
export async function readTypeScript(file: string, text: string): Promise<ReadSource> {
  let parsed: TsPlaces | undefined;
  const places = (): TsPlaces => (parsed ??= tsPlaces(text));
  const place = (path: KeyPath, what: 'value' | 'key'): Where => lazyWhere(file, path, () => places().spot(path, what));
  const failed = (ran: Ran & { readonly ok: false }): ReadSource => {
    // The compiler says where a text was not closed; the type stripper, where it stumbled over it.
    const syntax = ran.kind === 'syntax' && ran.file === file ? places().syntaxError() : null;
    if (syntax !== null) {
      const where: Where = { file, line: syntax.spot[0], column: syntax.spot[1], path: '' };
      return {
        source: null,
        diagnostics: [diagnostic('CONFIG_SYNTAX', `The TypeScript is not valid: ${syntax.message}`, where)],
      };
    }
    const spot = ran.spot ?? (ran.specifier === null ? null : importSpot(ran, file, places)) ?? [1, 1];
    const where: Where = { file: ran.file, line: spot[0], column: spot[1], path: '' };
    return ran.kind === 'syntax'
      ? {
          source: null,
          diagnostics: [diagnostic('CONFIG_SYNTAX', `The TypeScript is not valid: ${ran.message}`, where)],
        }
      : { source: null, diagnostics: [diagnostic('CONFIG_THROWS', `The declaration failed: ${ran.message}`, where)] };
  };

  const ran = await runConfig(file);
  if (!ran.ok) return failed(ran);
  const exported = ran.exports['default'];
  if (typeof exported !== 'object' || exported === null) {
    return {
      source: null,
      diagnostics: [diagnostic('CONFIG_NO_EXPORT', noExport(exported), { file, line: 1, column: 1, path: '' })],
    };
  }
  const problems: Unplain[] = [];
  let value: unknown;
  let plugins: Handed['plugins'];
  try {
    const handed = handedPlugins(exported);
    ({ plugins } = handed);
    value = plain(handed.rest, problems);
  } catch (error) {
    // A getter of the user's that throws.
    return failed(explain(error, file));
  }
  const source: Source = {
    file,
    value,
    spots: null,
    plugins,
    place,
    written: (path) => places().node(path)?.getText(),
  };
  // What contains itself shows once a level: the outermost finding says it.
  const diagnostics = problems
    .slice(0, 3)
    .map(({ path, message }) => diagnostic('WRONG_TYPE', message, place(path, 'value')));
  return diagnostics.length > 0 ? { source: null, diagnostics } : { source, diagnostics };
}

interface Handed {
  /** By their place in `plugins`. */
  readonly plugins: ReadonlyMap<number, unknown>;
  readonly rest: object;
}

/** Plugins are the one thing in a declaration that is no plain data: they are set aside, and a text stands in their place. */
function handedPlugins(exported: object): Handed {
  const { plugins: listed } = exported as { readonly plugins?: unknown };
  const plugins = new Map<number, unknown>();
  if (!Array.isArray(listed)) return { plugins, rest: exported };
  const rest = Array.from(listed, (item: unknown, index) => {
    if ((typeof item !== 'object' || item === null) && typeof item !== 'function') return item;
    plugins.set(index, item);
    return PLUGIN_OBJECT;
  });
  return plugins.size === 0 ? { plugins, rest: exported } : { plugins, rest: { ...exported, plugins: rest } };
}

function noExport(exported: unknown): string {
  return exported === undefined ? 'The file has no default export' : `The default export is a ${typeof exported}`;
}

/** The import that could not be followed, in the config or in a module of the user's. */
function importSpot(ran: Ran & { readonly ok: false }, file: string, places: () => TsPlaces): Spot | null {
  const { specifier } = ran;
  if (specifier === null) return null;
  let found = places;
  if (ran.file !== file) {
    try {
      const text = readFileSync(ran.file, 'utf8');
      found = () => tsPlaces(text);
    } catch {
      return null;
    }
  }
  const imports = found();
  const at = imports.importSpot(specifier);
  if (at !== null) return at;
  // Node names the resolved path where the source has a relative one.
  const last = specifier.split('/').at(-1) ?? specifier;
  const near = imports.source.getImportDeclarations().map((one) => one.getModuleSpecifierValue());
  const written = near.find((one) => one.endsWith(last));
  return written === undefined ? null : imports.importSpot(written);
}

/** A place that is looked up when it is read: most are never shown, and looking needs a compiler. Members are own, so that JSON has them. */
function lazyWhere(file: string, path: KeyPath, look: () => Spot): Where {
  let spot: Spot | undefined;
  const found = (): Spot => (spot ??= look());
  return {
    file,
    get line() {
      return found()[0];
    },
    get column() {
      return found()[1];
    },
    path: dotted(path),
  };
}
