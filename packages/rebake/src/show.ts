/** `show`: nodes with what the state knows of them. */
import { selectNodes } from '@rebake/planner';
import type { Diagnostic, Entry, Failure, Node } from '@rebake/sdk';
import { selectionDiagnostic } from './diagnostics.ts';
import { hasErrors, openProject, type ProjectOptions } from './project.ts';

/** A declared node, its last success and the failure since. */
export interface ShownNode {
  readonly node: Node;
  readonly entry: Entry | null;
  readonly failure: Failure | null;
}

/** What was asked for; null when the declaration has errors or the node is unknown. */
export interface ShowResult {
  readonly nodes: readonly ShownNode[] | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** One node by id or short name, or all. Contacts nothing. */
export async function show(options: ProjectOptions & { readonly node?: string }): Promise<ShowResult> {
  const project = await openProject(options);
  try {
    const { expansion, diagnostics } = project.declaration;
    if (expansion === null || hasErrors(diagnostics)) return { nodes: null, diagnostics };
    const state = await (await project.store()).read();
    const row = (node: Node): ShownNode => ({
      node,
      entry: state.entries.get(node.id) ?? null,
      failure: state.failures.get(node.id) ?? null,
    });
    if (options.node === undefined) return { nodes: expansion.nodes.map(row), diagnostics };
    const picked = selectNodes(expansion.nodes, [options.node], 'alone');
    if (!picked.ok) return { nodes: null, diagnostics: picked.problems.map(selectionDiagnostic) };
    const wanted = new Set(picked.nodes);
    return { nodes: expansion.nodes.filter(({ id }) => wanted.has(id)).map(row), diagnostics };
  } finally {
    await project.close();
  }
}
