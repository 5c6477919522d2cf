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
 * where it cannot be is a bug, and throws. Observing and planning ask for the graph of the same nodes: it is built once
 * for each array.
 */
export function buildGraph(nodes: readonly Node[]): Graph {
  const known = graphs.get(nodes);
  if (known !== undefined) return known;
  const made = build(nodes);
  graphs.set(nodes, made);
  return made;
}

const graphs = new WeakMap<readonly Node[], Graph>();

function build(nodes: readonly Node[]): Graph {
  const sorted = nodes.toSorted(byId);
  const place = new Map<NodeId, number>();
  for (let at = 0; at < sorted.length; at++) {
    const id = nodeAt(sorted, at).id;
    if (place.has(id)) throw new Error(`two nodes are called ${id}`);
    place.set(id, at);
  }
  const parents = sorted.map((node) => parentPlaces(node, sorted, place));
  const places = parentsFirst(sorted, parents);

  const rankOf = Array.from<number>({ length: sorted.length });
  const graph = { order: [] as Node[], rank: place, parents: [] as number[][], children: [] as number[][] };
  for (let rank = 0; rank < places.length; rank++) {
    const at = places[rank] ?? 0;
    const node = nodeAt(sorted, at);
    const parentRanks = (parents[at] ?? []).map((parent) => rankOf[parent] ?? 0);
    for (const parent of parentRanks) graph.children[parent]?.push(rank);
    rankOf[at] = rank;
    graph.order.push(node);
    graph.rank.set(node.id, rank);
    graph.parents.push(parentRanks);
    graph.children.push([]);
  }
  return graph;
}

/** Any order will do that is the same everywhere; JavaScript's own is the fastest. */
function byId(a: Node, b: Node): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** The node of a rank that is known to be one. */
export function nodeAt(order: readonly Node[], rank: number): Node {
  const node = order[rank];
  if (node === undefined) throw new Error(`no node of rank ${rank}`);
  return node;
}

function parentPlaces(node: Node, sorted: readonly Node[], place: ReadonlyMap<NodeId, number>): number[] {
  const places = node.parents.map((id) => {
    const at = place.get(id);
    if (at === undefined) throw new Error(`${node.id} has an unknown parent ${id}`);
    return at;
  });
  if (places.length > 1 && new Set(places).size !== places.length)
    throw new Error(`${node.id} has the same parent twice`);
  const roles = places.map((at) => sorted[at]?.role);
  if (node.role === 'external' && places.length > 0) throw new Error(`${node.id} is external and has parents`);
  if (node.role === 'image' && roles.includes('publication')) throw new Error(`${node.id} has a publication as parent`);
  if (node.role === 'publication' && (roles.length !== 1 || roles[0] !== 'image')) {
    throw new Error(`${node.id} is a publication and needs one image as parent`);
  }
  return places;
}

/** Depth first from each node in the order of names, without recursion: a chain of 10,000 nodes is no reason to run out of stack. */
function parentsFirst(sorted: readonly Node[], parents: readonly (readonly number[])[]): readonly number[] {
  const places: number[] = [];
  const visited: ('open' | 'done' | undefined)[] = Array.from({ length: sorted.length });
  const stack: number[] = [];
  for (let start = 0; start < sorted.length; start++) {
    stack.push(start);
    for (let at = stack.at(-1); at !== undefined; at = stack.at(-1)) {
      if (visited[at] === undefined) {
        visited[at] = 'open';
        for (const parent of (parents[at] ?? []).toReversed()) {
          if (visited[parent] === 'open') throw new Error(`the graph has a cycle through ${nodeAt(sorted, parent).id}`);
          if (visited[parent] === undefined) stack.push(parent);
        }
        continue;
      }
      stack.pop();
      if (visited[at] === 'open') places.push(at);
      visited[at] = 'done';
    }
  }
  return places;
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
