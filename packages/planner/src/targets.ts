/** Targets: the nodes that a person names on the command line. */
import { compareBytes, type Node, type NodeId } from '@rebake/sdk';
import { buildGraph, reach, type Graph } from './graph.ts';
import { means, plainName } from './names.ts';
import { nearest } from './nearest.ts';

/** What is wrong with a target. `candidates`: the nearest names, or those that it may mean; sorted, at most eight. */
export interface TargetProblem {
  readonly code: 'TARGET_UNKNOWN' | 'TARGET_AMBIGUOUS';
  readonly target: string;
  readonly candidates: readonly NodeId[];
}

/** Nodes, parents first; or everything that is wrong. */
export type Selection =
  | { readonly ok: true; readonly nodes: readonly NodeId[] }
  | { readonly ok: false; readonly problems: readonly TargetProblem[] };

const MAX_CANDIDATES = 8;
const MAX_NEAREST = 3;

/**
 * Finds nodes by id or short name (see {@link means}). `NODE+` takes what stands on it along.
 *
 * @param extent `with-ancestors` (as `--target` does): everything that the selected nodes need, too; `alone`: only what was named.
 */
export function selectNodes(
  nodes: readonly Node[],
  targets: readonly string[],
  extent: 'with-ancestors' | 'alone' = 'with-ancestors',
): Selection {
  const graph = buildGraph(nodes);
  const problems: TargetProblem[] = [];
  const selected = new Set<number>();
  for (const target of targets) {
    const found = resolve(graph, target);
    if ('code' in found) {
      problems.push(found);
      continue;
    }
    for (const rank of found.descendants ? reach(graph.children, [found.rank]) : [found.rank]) selected.add(rank);
  }
  if (problems.length > 0) return { ok: false, problems };
  const all = extent === 'alone' ? selected : reach(graph.parents, selected);
  return { ok: true, nodes: [...all].toSorted((a, b) => a - b).flatMap((rank) => graph.order[rank]?.id ?? []) };
}

type Resolved = { readonly rank: number; readonly descendants: boolean } | TargetProblem;

function resolve(graph: Graph, target: string): Resolved {
  const plain = find(graph, target);
  const descendants = plain.length === 0 && target.endsWith('+');
  const found = descendants ? find(graph, target.slice(0, -1)) : plain;
  const [rank] = found;
  if (rank !== undefined && found.length === 1) return { rank, descendants };
  const ids = (found.length > 0 ? found : [...graph.order.keys()]).flatMap((at) => graph.order[at]?.id ?? []);
  ids.sort(compareBytes);
  if (found.length > 0) return { code: 'TARGET_AMBIGUOUS', target, candidates: ids.slice(0, MAX_CANDIDATES) };
  const typed = plainName(target.endsWith('+') ? target.slice(0, -1) : target);
  return { code: 'TARGET_UNKNOWN', target, candidates: nearest(typed, ids, plainName, MAX_NEAREST) };
}

/** A whole id means that node, whatever else it could mean. */
function find(graph: Graph, name: string): readonly number[] {
  const exact = graph.rank.get(name as NodeId);
  if (exact !== undefined) return [exact];
  return graph.order.flatMap((node, rank) => (means(name, node.id) ? [rank] : []));
}
