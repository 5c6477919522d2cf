/** Reads a declaration all the way: loads it, applies the rules of DSS, and expands it to nodes. */
import type { FileHasher } from '@rebake/image';
import type { Diagnostic } from '@rebake/sdk';
import type { Expansion, Loaded } from './contract.ts';
import { expand } from './expand/index.ts';
import { loadCached } from './load/cache.ts';
import type { LoadOutcome } from './load/load.ts';

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
}

/** A declaration that was read. */
export interface Declaration {
  readonly loaded: Loaded | null;
  /** Null when the declaration has faulty parts: what is left of it is good for diagnostics only. */
  readonly expansion: Expansion | null;
  /** Of loading and of the rules, by place. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a declaration. Nothing that a user wrote makes it throw. */
export async function readDeclaration(request: ReadRequest): Promise<Declaration> {
  const outcome = await loadCached(request);
  const { loaded, removed } = outcome;
  if (loaded === null) return { loaded, expansion: null, diagnostics: outcome.diagnostics };
  const expansion = expand(
    loaded,
    removed.map((path) => path.join('.')),
  );
  const diagnostics = merged(outcome, expansion.diagnostics);
  return { loaded, expansion: removed.length === 0 ? expansion : null, diagnostics };
}

/** Joins them by place; where loading has something to say already, the rules are silent. */
function merged({ diagnostics }: LoadOutcome, ruled: readonly Diagnostic[]): readonly Diagnostic[] {
  if (diagnostics.length === 0) return ruled;
  const places = new Set(diagnostics.map(placeOf));
  const added = ruled.filter((one) => !places.has(placeOf(one)));
  if (added.length === 0) return diagnostics;
  return [...diagnostics, ...added].toSorted(
    (a, b) => (a.where?.line ?? 0) - (b.where?.line ?? 0) || (a.where?.column ?? 0) - (b.where?.column ?? 0),
  );
}

function placeOf({ where }: Diagnostic): string {
  return where === null ? '' : `${where.file}:${where.line}:${where.column}`;
}
