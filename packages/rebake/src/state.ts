/** `state list` and `state rm`: looking into the state and mending it. */
import { hostname } from 'node:os';
import { compareBytes } from '@rebake/image';
import type { Diagnostic, Entry, LockHolder, NodeId, Store } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { withProject, type ProjectOptions } from './project.ts';

/** Entries by id, sorted; null when there is no project. */
export interface StateListResult {
  readonly entries: ReadonlyMap<NodeId, Entry> | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** All entries of the state. The declaration may be broken: the state is read all the same. */
export async function stateList(options: ProjectOptions): Promise<StateListResult> {
  const nothing = (diagnostics: readonly Diagnostic[]): StateListResult => ({ entries: null, diagnostics });
  return withProject(options, nothing, async (project) => {
    if (project.dataDir === null) return nothing(project.declaration.diagnostics);
    const { entries } = await (await project.store()).read();
    return { entries: new Map([...entries].toSorted(([a], [b]) => compareBytes(a, b))), diagnostics: [] };
  });
}

/** How `state rm` ended. Nothing is removed unless every node is there. */
export type StateRemoveResult =
  | { readonly status: 'invalid'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly status: 'locked'; readonly holder: LockHolder | null }
  | { readonly status: 'removed'; readonly removed: readonly NodeId[] };

/** Forgets entries, under the lock. Images and tags stay where they are. */
export async function stateRemove(
  options: ProjectOptions & { readonly nodes: readonly string[] },
): Promise<StateRemoveResult> {
  const invalid = (diagnostics: readonly Diagnostic[]): StateRemoveResult => ({ status: 'invalid', diagnostics });
  return withProject(options, invalid, async (project) => {
    if (project.dataDir === null) return invalid(project.declaration.diagnostics);
    const store = await project.store();
    const lock = await store.lock({
      pid: process.pid,
      host: hostname(),
      run: project.randomId(),
      since: new Date(project.now()).toISOString(),
    });
    if (!lock.ok) return { status: 'locked', holder: lock.holder };
    try {
      return await removeEntries(store, options.nodes);
    } finally {
      await lock.release();
    }
  });
}

async function removeEntries(store: Store, nodes: readonly string[]): Promise<StateRemoveResult> {
  const { entries, failures } = await store.read();
  const known = (node: string): node is NodeId => entries.has(node as NodeId) || failures.has(node as NodeId);
  const unknown = nodes.filter((node) => !known(node));
  if (unknown.length > 0) {
    const diagnostics = unknown.map((node) => libraryDiagnostic('NO_ENTRY', `the state has no entry of \`${node}\``));
    return { status: 'invalid', diagnostics };
  }
  const removed = nodes.filter(known);
  for (const node of removed) await store.forget(node);
  return { status: 'removed', removed };
}
