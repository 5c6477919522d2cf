/** The graph as planning walks it: nodes by rank, parents first, edges as numbers. */
import type { Node, NodeId } from '@rebake/sdk';
import type { DirectedGraph } from 'graphology';

/**
 * A validated graph without cycles. `rank` is a node's place in `order`; edges are ranks, so that walking 10,000 nodes hashes no names.
 * The order depends on the nodes alone, not on the order in which they were given.
 */
export interface Graph {
  /** Parents before children. */
  readonly order: readonly Node[];
  readonly rank: ReadonlyMap<NodeId, number>;
  /** Per rank: ranks of the parents, in the node's order. */
  readonly parents: readonly (readonly number[])[];
  /** Per rank: ranks of the children, rising. */
  readonly children: readonly (readonly number[])[];
}

/**
 * Builds the graph. What a user can get wrong has been diagnosed before: here a duplicate or unknown node, a cycle, or a role in a place
 * where it cannot be is a bug, and throws.
 */
export function buildGraph(nodes: readonly Node[]): Graph {
  const sorted = nodes.toSorted(byId);
  const place = new Map<NodeId, number>();
  for (const [at, node] of sorted.entries()) {
    if (place.has(node.id)) throw new Error(`two nodes are called ${node.id}`);
    place.set(node.id, at);
  }
  const parents = sorted.map((node) => parentPlaces(node, sorted, place));
  return ranked(sorted, parents);
}

/** Any order will do that is the same everywhere; JavaScript's own is the fastest. */
function byId(a: Node, b: Node): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function parentPlaces(node: Node, sorted: readonly Node[], place: ReadonlyMap<NodeId, number>): number[] {
  const places = node.parents.map((id) => {
    const at = place.get(id);
    if (at === undefined) throw new Error(`${node.id} has an unknown parent ${id}`);
    return at;
  });
  if (new Set(places).size !== places.length) throw new Error(`${node.id} has the same parent twice`);
  const roles = places.map((at) => sorted[at]?.role);
  if (node.role === 'external' && places.length > 0) throw new Error(`${node.id} is external and has parents`);
  if (node.role === 'image' && roles.includes('publication')) throw new Error(`${node.id} has a publication as parent`);
  if (node.role === 'publication' && (roles.length !== 1 || roles[0] !== 'image')) {
    throw new Error(`${node.id} is a publication and needs one image as parent`);
  }
  return places;
}

/** Kahn's algorithm; first in, first out, so that the order is that of the sorted names, level by level. */
function ranked(sorted: readonly Node[], parents: readonly (readonly number[])[]): Graph {
  const children: number[][] = sorted.map(() => []);
  const waits = parents.map((places) => places.length);
  for (const [at, places] of parents.entries()) {
    for (const parent of places) children[parent]?.push(at);
  }
  const queue = [...waits.keys()].filter((at) => waits[at] === 0);
  const rankOf = Array.from<number>({ length: sorted.length });
  for (let head = 0; head < queue.length; head++) {
    const at = queue[head] ?? 0;
    rankOf[at] = head;
    for (const child of children[at] ?? []) {
      const left = (waits[child] ?? 0) - 1;
      waits[child] = left;
      if (left === 0) queue.push(child);
    }
  }
  if (queue.length < sorted.length) {
    const stuck = sorted.filter((_, at) => (waits[at] ?? 0) > 0).map((node) => node.id);
    throw new Error(`the graph has a cycle among ${stuck.slice(0, 5).join(', ')}`);
  }
  const order: Node[] = [];
  const rank = new Map<NodeId, number>();
  const parentRanks: number[][] = [];
  const childRanks: number[][] = [];
  for (const at of queue) {
    const node = sorted[at];
    if (node === undefined) continue;
    rank.set(node.id, order.length);
    order.push(node);
    parentRanks.push((parents[at] ?? []).map((place) => rankOf[place] ?? 0));
    childRanks.push((children[at] ?? []).map((place) => rankOf[place] ?? 0).toSorted((a, b) => a - b));
  }
  return { order, rank, parents: parentRanks, children: childRanks };
}

/** All nodes that can be reached from `from` along `edges`, with `from`. */
export function reach(edges: readonly (readonly number[])[], from: Iterable<number>): Set<number> {
  const seen = new Set<number>(from);
  // A set is walked in the order of insertion, and what is added while walking is walked too.
  for (const at of seen) for (const next of edges[at] ?? []) seen.add(next);
  return seen;
}

/**
 * The graph as a graphology graph (edges from parent to child, the node as attribute `node`), for whoever wants its algorithms, layouts or
 * exports. Planning itself does without: loading graphology costs a no-op plan more than all of its own work.
 */
export async function toGraphology(graph: Graph): Promise<DirectedGraph<{ node: Node }>> {
  const { DirectedGraph: Directed } = await import('graphology');
  const directed = new Directed<{ node: Node }>({ allowSelfLoops: false });
  for (const node of graph.order) directed.addNode(node.id, { node });
  for (const node of graph.order) for (const parent of node.parents) directed.addDirectedEdge(parent, node.id);
  return directed;
}
