/** `graph`: the build graph as JSON, or as a mermaid flowchart. */
import { buildGraph, shortNames, toGraphology } from '@rebake/planner';
import type { Diagnostic, Node } from '@rebake/sdk';
import { hasErrors, withProject, type ProjectOptions } from './project.ts';

/** The drawing; null when the declaration has errors. */
export interface GraphResult {
  readonly text: string | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Draws the graph of the declaration. Contacts nothing. */
export async function graph(options: ProjectOptions & { readonly format: 'json' | 'mermaid' }): Promise<GraphResult> {
  return withProject(
    options,
    (diagnostics): GraphResult => ({ text: null, diagnostics }),
    async ({ declaration: { expansion, diagnostics } }) => {
      if (expansion === null || hasErrors(diagnostics)) return { text: null, diagnostics };
      const text = options.format === 'json' ? jsonText(expansion.nodes) : await mermaidText(expansion.nodes);
      return { text, diagnostics };
    },
  );
}

function jsonText(nodes: readonly Node[]): string {
  const rows = nodes.map((node) => ({
    id: node.id,
    role: node.role,
    kind: node.kind,
    parents: node.parents,
    inputs: Object.fromEntries(
      Object.entries(node.inputs).map(([key, { digest, shown }]) => [
        key,
        { digest, ...(shown === undefined ? {} : { shown }) },
      ]),
    ),
    ...(node.role === 'publication'
      ? { registry: node.registry, repository: node.repository, tags: node.tags }
      : { platform: node.platform }),
    ...(node.role === 'external' ? { ref: node.ref } : {}),
    ...(node.role === 'image' ? { builder: node.builder } : {}),
  }));
  return `${JSON.stringify({ formatVersion: 1, nodes: rows }, null, 2)}\n`;
}

/** Shapes by role: a stadium for what others build, a box for images, a cylinder for what lies in a registry. */
const SHAPES: Readonly<Record<Node['role'], readonly [string, string]>> = {
  external: ['([', '])'],
  image: ['[', ']'],
  publication: ['[(', ')]'],
};

async function mermaidText(nodes: readonly Node[]): Promise<string> {
  const drawn = await toGraphology(buildGraph(nodes));
  const names = shortNames(nodes.map(({ id }) => id));
  const keys = new Map(drawn.nodes().map((id, index) => [id, `n${index}`]));
  const boxes = drawn.mapNodes((id, { node }) => {
    const [open, close] = SHAPES[node.role];
    // Mermaid has no escapes but entities; a name holds nothing else that could end the string.
    const label = (names.get(node.id) ?? id).replaceAll('"', '#quot;');
    return `  ${keys.get(id)}${open}"${label}"${close}`;
  });
  const arrows = drawn.mapDirectedEdges(
    (_edge, _attributes, parent, child) => `  ${keys.get(parent)} --> ${keys.get(child)}`,
  );
  return `flowchart LR\n${[...boxes, ...arrows].join('\n')}\n`;
}
