/** Reads a declaration all the way: loads it, applies the rules of DSS, and expands it to nodes. */
import { compareBytes, type FileHasher } from '@rebake/image';
import type { Diagnostic } from '@rebake/sdk';
import type { Expansion } from './contract.ts';
import { expand } from './expand/index.ts';
import { keepExpansion, reviveExpansion } from './expand/kept.ts';
import { openDeclaration } from './load/cache.ts';
import type { LoadOutcome } from './load/load.ts';
import { noPlugins } from './load/uses.ts';
import type { DeclaredPlugins, DeclaredUse, OpenPlugins, PluginHost } from './plugin-host.ts';

/** What to read. */
export interface ReadRequest {
  /** Config file, relative to `cwd`; absent: the nearest one upwards from `cwd`. */
  readonly file?: string;
  readonly cwd: string;
  readonly hasher: FileHasher;
  /** Folder of the load cache, such as `.rebake/cache`; null: none. */
  readonly cacheDir: string | null;
  /** Milliseconds since the epoch; default: the clock. */
  readonly now?: () => number;
  /** Opens the plugins of a declaration that has sources or nodes of plugins; default: none can be had. */
  readonly plugins?: OpenPlugins;
}

/** A declaration that was read. */
export interface Declaration {
  /** Null when the declaration has faulty parts: what is left of it is good for diagnostics only. */
  readonly expansion: Expansion | null;
  /** Of loading and of the rules, by place. */
  readonly diagnostics: readonly Diagnostic[];
  /** Builders as far as they can be understood, also those of a declaration with faulty parts. */
  readonly builders: Expansion['builders'];
  /** Where the state is kept, if that can be understood; null: in the file of rebake's own. */
  readonly state: DeclaredUse | null;
  /** The plugins that it names; null when nothing of it could be understood. Looked up when asked: a kept declaration may never be. */
  plugins(): DeclaredPlugins | null;
}

/** Reads a declaration. Nothing that a user wrote makes it throw. Where nothing has changed, neither loading nor expanding is done again. */
export async function readDeclaration(request: ReadRequest): Promise<Declaration> {
  const { plugins: open = noPlugins } = request;
  let host: Promise<PluginHost> | undefined;
  const plugins: OpenPlugins = (declared) => (host ??= open(declared));
  const opened = await openDeclaration({ ...request, plugins });
  if (opened.made !== null) {
    const expansion = reviveExpansion(opened.made, () => expansionOf(opened.outcome()) ?? nothing());
    const { diagnostics, builders, state } = expansion;
    return { expansion, diagnostics, builders, state, plugins: () => declaredIn(opened.outcome()) };
  }
  const outcome = opened.outcome();
  const declared = declaredIn(outcome);
  const rest = { state: outcome.declared?.state ?? null, plugins: () => declared };
  const own = expansionOf(outcome);
  if (own === null) return { expansion: null, diagnostics: outcome.diagnostics, builders: {}, ...rest };
  const sound = !hasErrors(outcome.diagnostics) && !hasErrors(own.diagnostics);
  const expansion = sound ? await whole(outcome, own, request.hasher, plugins) : own;
  const diagnostics = merged(outcome, expansion.diagnostics);
  opened.keep(hasErrors(diagnostics) ? null : keepExpansion({ ...expansion, diagnostics }));
  const { builders } = expansion;
  return { expansion: outcome.removed.length === 0 ? expansion : null, diagnostics, builders, ...rest };
}

/** With the nodes of plugins, where it has any. */
async function whole(
  { loaded, declared }: LoadOutcome,
  expansion: Expansion,
  hasher: FileHasher,
  open: OpenPlugins,
): Promise<Expansion> {
  if (loaded === null || declared === null || Object.keys(loaded.config.nodes).length === 0) return expansion;
  const { withKinds } = await import('./expand/kinds.ts');
  return withKinds(loaded, expansion, hasher, () => open(declared.plugins));
}

function declaredIn({ declared }: LoadOutcome): DeclaredPlugins | null {
  return declared?.plugins ?? null;
}

function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

function expansionOf({ loaded, removed }: LoadOutcome): Expansion | null {
  if (loaded === null) return null;
  return expand(
    loaded,
    removed.map((path) => path.join('.')),
  );
}

function nothing(): never {
  throw new TypeError('an expansion was kept of a declaration that cannot be loaded');
}

/** Joins them by place; where loading has something to say already, the rules are silent. */
function merged({ diagnostics }: LoadOutcome, ruled: readonly Diagnostic[]): readonly Diagnostic[] {
  const places = new Set(diagnostics.map(placeOf));
  const all = [...diagnostics, ...ruled.filter((one) => diagnostics.length === 0 || !places.has(placeOf(one)))];
  return all.length < 2
    ? all
    : all.toSorted(
        (a, b) =>
          compareBytes(a.where?.file ?? '', b.where?.file ?? '') ||
          (a.where?.line ?? 0) - (b.where?.line ?? 0) ||
          (a.where?.column ?? 0) - (b.where?.column ?? 0),
      );
}

function placeOf({ where }: Diagnostic): string {
  if (where === null) return '';
  // All that a source declares has one place.
  return `${where.file}:${where.line}:${where.column}${where.source === undefined ? '' : `:${where.path}`}`;
}
