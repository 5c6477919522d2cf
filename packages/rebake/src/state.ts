/** `state list` and `state rm`: looking into the state and mending it. */
import { hostname } from 'node:os';
import { compareBytes } from '@rebake/image';
import type { Diagnostic, Entry, LockHolder, NodeId } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { openProject, type ProjectOptions } from './project.ts';

/** Entries by id, sorted; null when there is no project. */
export interface StateListResult {
  readonly entries: ReadonlyMap<NodeId, Entry> | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** All entries of the state. The declaration may be broken: the state is read all the same. */
export async function stateList(options: ProjectOptions): Promise<StateListResult> {
  const project = await openProject(options);
  try {
    if (project.dataDir === null) return { entries: null, diagnostics: project.declaration.diagnostics };
    const { entries } = await (await project.store()).read();
    return { entries: new Map([...entries].toSorted(([a], [b]) => compareBytes(a, b))), diagnostics: [] };
  } finally {
    await project.close();
  }
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
  const project = await openProject(options);
  try {
    if (project.dataDir === null) return { status: 'invalid', diagnostics: project.declaration.diagnostics };
    const store = await project.store();
    const lock = await store.lock({
      pid: process.pid,
      host: hostname(),
      run: project.randomId(),
      since: new Date(project.now()).toISOString(),
    });
    if (!lock.ok) return { status: 'locked', holder: lock.holder };
    try {
      const { entries, failures } = await store.read();
      const known = (node: string): node is NodeId => entries.has(node as NodeId) || failures.has(node as NodeId);
      const unknown = options.nodes.filter((node) => !known(node));
      if (unknown.length > 0) {
        return {
          status: 'invalid',
          diagnostics: unknown.map((node) => libraryDiagnostic('NO_ENTRY', `the state has no entry of \`${node}\``)),
        };
      }
      const removed = options.nodes.filter(known);
      for (const node of removed) await store.forget(node);
      return { status: 'removed', removed };
    } finally {
      await lock.release();
    }
  } finally {
    await project.close();
  }
}
