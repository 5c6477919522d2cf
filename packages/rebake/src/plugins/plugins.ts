/** The plugins of a declaration at work: what it asks of them is found, its options are checked, and what goes wrong is a diagnostic with a place. */
import { diagnostic, nearest, listed } from '@rebake/model';
import type { Asked, BuilderConfig, DeclaredPlugins, DeclaredUse, DiagnosticCode, PluginHost } from '@rebake/model';
import type { Builder, BuilderPlace, Diagnostic, Store, StorePlace, Where } from '@rebake/sdk';
import { createBuilder } from './builder.ts';
import type { Bounds } from './in-time.ts';
import { expandNodes } from './nodes.ts';
import { checkOptions } from './options.ts';
import { createRegistry, SQLITE, type Registry } from './registry.ts';
import { readSource, type SourcePlace } from './source.ts';
import { openForeignStore } from './store.ts';
import type { Kinds } from './shape.ts';

/** What plugins may know of the process and the project, and how long they may take. */
export interface PluginPlace extends Bounds, Omit<SourcePlace, 'root'> {
  readonly now: () => number;
  readonly randomId: () => string;
}

/** Plugins at work. Nothing rejects but with the reason of an abort. */
export interface Plugins extends PluginHost {
  /** What is wrong with the plugins themselves; loads them all. */
  problems(): Promise<readonly Diagnostic[]>;
  /** What is wrong with the type and the options of a builder. */
  checkBuilder(name: string, config: BuilderConfig): Promise<readonly Diagnostic[]>;
  makeBuilder(name: string, config: BuilderConfig, place: BuilderPlace): Promise<Asked<Builder>>;
  /** What is wrong with the type and the options of the state. */
  checkStore(use: DeclaredUse): Promise<readonly Diagnostic[]>;
  openStore(use: DeclaredUse): Promise<Asked<Store>>;
}

/** Something of a declaration that is asked of a plugin. */
interface Use<S extends keyof Kinds> {
  readonly section: S;
  /** What it is called in a sentence, such as "The builder `own`". */
  readonly title: string;
  readonly path: readonly string[];
  readonly type: string;
  readonly options: unknown;
}

/** A kind with the options that it is to be used with. */
interface Ready<S extends keyof Kinds> {
  readonly kind: Kinds[S];
  /** As the kind's own validator gave them. */
  readonly options: never;
}

/** Opens the plugins of a declaration. Loads none. */
export function createPlugins(declared: DeclaredPlugins, place: PluginPlace): Plugins {
  const registry = createRegistry(declared, place);
  const { locate, root } = declared;
  const prepare = <S extends keyof Kinds>(use: Use<S>): Promise<Asked<Ready<S>>> =>
    prepared(use, registry, locate, place);
  const builder = (name: string, { path, kind, options }: BuilderConfig) =>
    prepare({ section: 'builders', title: `The builder \`${name}\``, path, type: kind, options });
  const store = async (use: DeclaredUse) => prepare({ section: 'stores', title: 'The state', ...use });
  return {
    problems: () => registry.problems(),
    checkBuilder: async (name, config) => problemsOf(await builder(name, config)),
    async makeBuilder(name, config, at) {
      const ready = await builder(name, config);
      if (!ready.ok) return ready;
      const { kind, options } = ready.value;
      return createBuilder(kind, options, at, { name, where: locate([...config.path, 'type']) });
    },
    checkStore: async (use) => (use.type === SQLITE ? withoutOptions(use, locate) : problemsOf(await store(use))),
    async openStore(use) {
      const ready = await store(use);
      if (!ready.ok) return ready;
      const { dataDir, env, now, randomId } = place;
      const at: StorePlace = { dir: dataDir, env, now, randomId };
      const { kind, options } = ready.value;
      return openForeignStore(kind, options, at, { type: use.type, where: locate([...use.path, 'type']) }, place);
    },
    async source(use, at) {
      const title = `The source \`${use.path[1]}\``;
      const ready = await prepare({ section: 'sources', title, ...use });
      return ready.ok ? readSource(ready.value.kind, ready.value.options, { title, at }, { ...place, root }) : ready;
    },
    async nodes(use, ctx) {
      const title = `The nodes \`${ctx.name}\``;
      const ready = await prepare({ section: 'kinds', title, ...use });
      return ready.ok ? expandNodes(ready.value.kind, ready.value.options, title, ctx, place) : ready;
    },
  };
}

function problemsOf(asked: Asked<unknown>): readonly Diagnostic[] {
  return asked.ok ? [] : asked.diagnostics;
}

const UNKNOWN: Readonly<Record<keyof Kinds, DiagnosticCode>> = {
  builders: 'UNKNOWN_BUILDER_TYPE',
  sources: 'UNKNOWN_TYPE',
  stores: 'UNKNOWN_TYPE',
  kinds: 'UNKNOWN_TYPE',
};

/** Finds the kind and checks the options. */
async function prepared<S extends keyof Kinds>(
  use: Use<S>,
  registry: Registry,
  locate: (path: readonly (string | number)[]) => Where,
  bounds: Bounds,
): Promise<Asked<Ready<S>>> {
  const { section, title, path, type, options } = use;
  const found = await registry.find(section, type);
  switch (found.is) {
    case 'refused':
      return { ok: false, diagnostics: found.diagnostics };
    case 'unknown': {
      const message = `${title} is of the type \`${type}\`, which nothing brings`;
      const where = locate([...path, 'type']);
      return { ok: false, diagnostics: [diagnostic(UNKNOWN[section], message, where, insteadOf(type, found.names))] };
    }
    case 'found':
      break;
    default:
      return found satisfies never;
  }
  const checked = await checkOptions(found.kind.options, options, bounds);
  switch (checked.is) {
    case 'sound':
      return { ok: true, value: { kind: found.kind, options: checked.value as never } };
    case 'broken': {
      const message = `${title} cannot be used, because of the plugin \`${found.plugin}\`: ${checked.words}`;
      return { ok: false, diagnostics: [diagnostic('PLUGIN_BROKEN', message, locate([...path, 'type']))] };
    }
    case 'wrong': {
      const code = section === 'builders' ? 'BUILDER_OPTIONS' : 'PLUGIN_OPTIONS';
      const diagnostics = checked.issues.map((issue) => {
        const option = issue.path.length === 0 ? '' : `: \`${issue.path.join('.')}\``;
        return diagnostic(code, `${title}${option}: ${issue.message}`, locate([...path, 'options', ...issue.path]));
      });
      return { ok: false, diagnostics };
    }
    default:
      return checked satisfies never;
  }
}

function insteadOf(type: string, names: readonly string[]): string {
  const near = nearest(type, names);
  if (near !== null) return `Did you mean \`${near}\`?`;
  const there = names.length === 0 ? '' : `There is ${listed(names)}. `;
  return `${there}Name the plugin that brings it under \`plugins\`.`;
}

/** The state of rebake's own takes none. */
function withoutOptions({ options, path }: DeclaredUse, locate: DeclaredPlugins['locate']): readonly Diagnostic[] {
  return Object.keys(options as object).map((key) =>
    diagnostic(
      'PLUGIN_OPTIONS',
      `The state: \`${key}\`: \`${SQLITE}\` has no options`,
      locate([...path, 'options', key]),
    ),
  );
}
