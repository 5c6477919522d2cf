/** `show`: nodes with what the state knows of them. */
import { selectNodes } from '@rebake/planner';
import type { Diagnostic, Entry, Failure, Node } from '@rebake/sdk';
import { selectionDiagnostic } from './diagnostics.ts';
import { hasErrors, withProject, type Project, type ProjectOptions } from './project.ts';

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
  const nothing = (diagnostics: readonly Diagnostic[]): ShowResult => ({ nodes: null, diagnostics });
  return withProject(options, nothing, (project) => showNodes(project, options.node));
}

async function showNodes(project: Project, node: string | undefined): Promise<ShowResult> {
  const { expansion, diagnostics } = project.declaration;
  if (expansion === null || hasErrors(diagnostics)) return { nodes: null, diagnostics };
  const { nodes } = expansion;
  const picked = node === undefined ? null : selectNodes(nodes, [node], 'alone');
  if (picked?.ok === false) return { nodes: null, diagnostics: picked.problems.map(selectionDiagnostic) };
  const wanted = new Set(picked === null ? nodes.map(({ id }) => id) : picked.nodes);
  const state = await (await project.store()).read();
  const rows = nodes
    .filter(({ id }) => wanted.has(id))
    .map((one) => ({
      node: one,
      entry: state.entries.get(one.id) ?? null,
      failure: state.failures.get(one.id) ?? null,
    }));
  return { nodes: rows, diagnostics };
}
