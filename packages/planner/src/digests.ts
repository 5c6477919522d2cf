/** Digests of a graph and of a plan, and the plan's bytes: what a saved plan is bound to. */
import { canonicalJson, digestOf, digestOfBytes, type Digest, type Node, type Plan } from '@rebake/sdk';
import { buildGraph, type Graph } from './graph.ts';

/**
 * Digest of what is declared: ids, roles, parents, digests of inputs, builders, platforms, references, repositories and tags. Places in files,
 * texts for people, and facts of the machine do not count, nor does the order in which nodes are given.
 */
export function graphDigest(nodes: readonly Node[]): Digest {
  return digestOfGraph(buildGraph(nodes));
}

/** As {@link graphDigest}, of a graph that is built already. */
export function digestOfGraph(graph: Graph): Digest {
  let text = '';
  for (const node of graph.order) {
    // Any order of keys will do that is the same everywhere.
    const keys = Object.keys(node.inputs).toSorted();
    text += listed([node.id, node.role]) + listed(node.parents) + listed(particulars(node)) + listed(keys);
    for (const key of keys) text += node.inputs[key]?.digest ?? '';
  }
  return digestOfBytes(text);
}

/** Counts and lengths before texts: no text can pass for the end of another. */
function listed(texts: readonly string[]): string {
  let list = `${texts.length};`;
  for (const text of texts) list += `${text.length}:${text}`;
  return list;
}

function particulars(node: Node): readonly string[] {
  switch (node.role) {
    case 'external':
      return [node.ref, node.platform];
    case 'image':
      return [node.platform, node.builder];
    case 'publication':
      return [node.registry === null ? 'engine' : `registry ${node.registry}`, node.repository, ...node.tags];
    default:
      return node satisfies never;
  }
}

/** Digest of a plan: of its canonical JSON. Entries that an apply of it writes carry it. */
export function planDigest(plan: Plan): Digest {
  return digestOf(plan);
}

/** The bytes of a plan file: canonical JSON and a newline. The same plan gives the same bytes; there are no times in it. */
export function serializePlan(plan: Plan): string {
  return `${canonicalJson(plan)}\n`;
}
