/** All plugins of a declaration together: loaded when a kind is asked for that rebake does not bring itself, and who brings what. */
import { diagnostic, importPlugin, type Asked, type DeclaredPlugins } from '@rebake/model';
import { PLUGIN_API, type Diagnostic, type Where } from '@rebake/sdk';
import { BUILT_IN_KINDS, builtInPlugin } from '../builders.ts';
import { inTime, TooLate, type Bounds } from './in-time.ts';
import { checkPlugin, pluginIn, type Kinds, type SoundPlugin } from './shape.ts';

/** A module that is still loading after this will not end. */
const LOAD_MS = 30_000;

/** The one store that rebake has itself. */
export const SQLITE = 'sqlite';

/** Names that rebake brings itself, by section. */
const OWN: Readonly<Record<keyof Kinds, readonly string[]>> = {
  builders: BUILT_IN_KINDS,
  sources: [],
  stores: [SQLITE],
  kinds: [],
};

/** What a part is called in a sentence. */
const WORDS: Readonly<Record<keyof Kinds, string>> = {
  builders: 'builder',
  sources: 'source',
  stores: 'state',
  kinds: 'kind of nodes',
};

/** A kind by its name; or all names that there are; or why that cannot be told. */
export type Found<T> =
  | { readonly is: 'found'; readonly kind: T; readonly plugin: string }
  | { readonly is: 'unknown'; readonly names: readonly string[] }
  | { readonly is: 'refused'; readonly diagnostics: readonly Diagnostic[] };

/** Finds kinds. */
export interface Registry {
  /** Looks for a kind; loads what it has to. */
  find<S extends keyof Kinds>(section: S, name: string): Promise<Found<Kinds[S]>>;
  /** What is wrong with the plugins that are declared; loads them all. */
  problems(): Promise<readonly Diagnostic[]>;
}

/** Makes the registry of a declaration. Nothing is loaded yet. */
export function createRegistry(declared: DeclaredPlugins, bounds: Bounds): Registry {
  let loaded: Promise<Loaded> | undefined;
  const load = (): Promise<Loaded> => (loaded ??= loadAll(declared, bounds));
  return {
    async find<S extends keyof Kinds>(section: S, name: string): Promise<Found<Kinds[S]>> {
      const own = section === 'builders' ? await builtInPlugin(name) : null;
      if (own !== null) {
        const checked = checkPlugin(own);
        const kind = checked.is === 'sound' ? checked.plugin.parts[section].get(name) : undefined;
        if (kind === undefined) throw new Error(`the built-in plugin of ${name} does not bring it`);
        return { is: 'found', kind, plugin: own.name };
      }
      const { parts, diagnostics } = await load();
      // What is not found may be in one of those that could not be loaded.
      if (diagnostics.length > 0) return { is: 'refused', diagnostics };
      const found = parts[section].get(name);
      if (found !== undefined) return { is: 'found', ...found };
      return { is: 'unknown', names: [...OWN[section], ...parts[section].keys()] };
    },
    problems: async () => (await load()).diagnostics,
  };
}

/** Kinds by name, each with the name of its plugin. */
type Parts = { readonly [S in keyof Kinds]: Map<string, { readonly kind: Kinds[S]; readonly plugin: string }> };

interface Loaded {
  readonly parts: Parts;
  readonly diagnostics: readonly Diagnostic[];
}

async function loadAll({ items, root, locate }: DeclaredPlugins, bounds: Bounds): Promise<Loaded> {
  const parts: Parts = { builders: new Map(), sources: new Map(), stores: new Map(), kinds: new Map() };
  const diagnostics: Diagnostic[] = [];
  const answers = await Promise.all(items.map((item, at) => loadOne(item, root, locate(['plugins', at]), bounds)));
  for (const [at, answer] of answers.entries()) {
    if (answer === null) continue;
    if (!answer.ok) {
      diagnostics.push(...answer.diagnostics);
      continue;
    }
    const conflict = enter(answer.value, parts);
    if (conflict !== null) diagnostics.push(diagnostic('PLUGIN_CONFLICT', conflict, locate(['plugins', at])));
  }
  return { parts, diagnostics };
}

/** Enters what a plugin brings. The first name that is taken already is said: whoever lists a plugin twice made one mistake. */
function enter({ name: plugin, parts }: SoundPlugin, into: Parts): string | null {
  for (const section of Object.keys(OWN) as (keyof Kinds)[]) {
    for (const [name, kind] of parts[section]) {
      const what = `${WORDS[section]} \`${name}\``;
      if (OWN[section].includes(name)) return `The plugin \`${plugin}\` brings a ${what}, which rebake brings itself`;
      const taken = into[section].get(name);
      if (taken !== undefined) return `The plugins \`${taken.plugin}\` and \`${plugin}\` both bring a ${what}`;
      into[section].set(name, { kind: kind as never, plugin });
    }
  }
  return null;
}

async function loadOne(item: unknown, root: string, where: Where, bounds: Bounds): Promise<Asked<SoundPlugin> | null> {
  if (item === null) return null;
  const failed = (code: 'PLUGIN_NOT_FOUND' | 'PLUGIN_BROKEN' | 'PLUGIN_VERSION', message: string, help?: string) =>
    ({ ok: false, diagnostics: [diagnostic(code, message, where, help)] }) as const;
  const title = typeof item === 'string' ? `The plugin \`${item}\`` : 'The plugin';
  let value: unknown = item;
  if (typeof item === 'string') {
    const imported = await importInTime(item, root, bounds);
    switch (imported.is) {
      case 'missing':
        return failed('PLUGIN_NOT_FOUND', imported.message, imported.help);
      case 'broken':
        return failed('PLUGIN_BROKEN', `${title} cannot be loaded: ${imported.message}`);
      case 'loaded':
        value = pluginIn(imported.exports);
        break;
      default:
        imported satisfies never;
    }
    if (value === undefined) return failed('PLUGIN_BROKEN', `${title} exports no \`plugin\``);
  }
  const checked = checkPlugin(value);
  switch (checked.is) {
    case 'sound':
      return { ok: true, value: checked.plugin };
    case 'broken':
      return failed('PLUGIN_BROKEN', `${title} ${checked.words}`);
    case 'other version': {
      const { name, api } = checked;
      const message = `The plugin \`${name}\` is for version ${api} of the contract with plugins, and this rebake has version ${PLUGIN_API}`;
      const help =
        api > PLUGIN_API
          ? 'Update rebake: it is older than the plugin.'
          : 'Update the plugin: it is older than rebake.';
      return failed('PLUGIN_VERSION', message, help);
    }
    default:
      return checked satisfies never;
  }
}

async function importInTime(name: string, root: string, bounds: Bounds): ReturnType<typeof importPlugin> {
  try {
    return await inTime(LOAD_MS, bounds, () => importPlugin(name, root));
  } catch (error) {
    if (error instanceof TooLate) return { is: 'broken', message: error.message };
    throw error;
  }
}
