/** Reads a declaration all the way: loads it, applies the rules of DSS, and expands it to nodes. */
import { compareBytes, type FileHasher } from '@rebake/image';
import type { Diagnostic } from '@rebake/sdk';
import type { Expansion } from './contract.ts';
import { expand } from './expand/index.ts';
import { keepExpansion, reviveExpansion } from './expand/kept.ts';
import { openDeclaration } from './load/cache.ts';
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
  /** Null when the declaration has faulty parts: what is left of it is good for diagnostics only. */
  readonly expansion: Expansion | null;
  /** Of loading and of the rules, by place. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a declaration. Nothing that a user wrote makes it throw. Where nothing has changed, neither loading nor expanding is done again. */
export async function readDeclaration(request: ReadRequest): Promise<Declaration> {
  const opened = await openDeclaration(request);
  if (opened.made !== null) {
    const expansion = reviveExpansion(opened.made, () => expansionOf(opened.outcome()) ?? nothing());
    return { expansion, diagnostics: expansion.diagnostics };
  }
  const outcome = opened.outcome();
  const expansion = expansionOf(outcome);
  if (expansion === null) return { expansion, diagnostics: outcome.diagnostics };
  const diagnostics = merged(outcome, expansion.diagnostics);
  const sound = !diagnostics.some(({ severity }) => severity === 'error');
  opened.keep(sound ? keepExpansion({ ...expansion, diagnostics }) : null);
  return { expansion: outcome.removed.length === 0 ? expansion : null, diagnostics };
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
  return where === null ? '' : `${where.file}:${where.line}:${where.column}`;
}
