/** Longest remaining paths: what the scheduler starts first. */
import type { Action, Node, NodeId, Plan, State } from '@rebake/sdk';
import { buildGraph } from './graph.ts';

/** Milliseconds for a node of whose kind nothing was ever measured. */
const DEFAULT_MS = { external: 0, image: 60_000, publication: 5_000 } as const satisfies Record<Node['role'], number>;

/**
 * Milliseconds from the start of each action to the end of the longest path below it, its own included. A node takes as long as it did last time;
 * where it never ran, as the median of its kind; else a default. What is kept, adopted, forgotten or deleted takes no time; a fetch as
 * long as a publication by default. Conditional actions count in full. O(nodes + edges), but for the medians' sorting.
 */
export function remainingMs(plan: Plan, nodes: readonly Node[], state: State): ReadonlyMap<NodeId, number> {
  const graph = buildGraph(nodes);
  const actions = new Map(plan.actions.map((action) => [action.node, action]));
  const medians = mediansByKind(graph.order, state);
  const remaining = new Map<NodeId, number>();
  const byRank: number[] = [];
  for (let rank = graph.order.length - 1; rank >= 0; rank--) {
    const node = graph.order[rank];
    if (node === undefined) continue;
    const action = actions.get(node.id);
    const below = (graph.children[rank] ?? []).reduce((longest, child) => Math.max(longest, byRank[child] ?? 0), 0);
    const total = below + expectedMs(node, action, state, medians);
    byRank[rank] = total;
    if (action !== undefined) remaining.set(node.id, total);
  }
  for (const action of plan.actions) if (!graph.rank.has(action.node)) remaining.set(action.node, 0);
  return remaining;
}

function expectedMs(
  node: Node,
  action: Action | undefined,
  state: State,
  medians: ReadonlyMap<string, number>,
): number {
  const effort = action?.atMost ?? 'keep';
  switch (effort) {
    case 'keep':
    case 'adopt':
    case 'forget':
    case 'delete':
      return 0;
    case 'fetch':
      return DEFAULT_MS.publication;
    case 'rebase':
    case 'build':
    case 'publish':
      return state.entries.get(node.id)?.ms ?? medians.get(node.kind) ?? DEFAULT_MS[node.role];
    default:
      return effort satisfies never;
  }
}

function mediansByKind(nodes: readonly Node[], state: State): ReadonlyMap<string, number> {
  const measured = new Map<string, number[]>();
  for (const node of nodes) {
    const ms = state.entries.get(node.id)?.ms;
    if (ms === undefined) continue;
    const times = measured.get(node.kind);
    if (times === undefined) measured.set(node.kind, [ms]);
    else times.push(ms);
  }
  return new Map([...measured].map(([kind, times]) => [kind, median(times)]));
}

/** Of an even number, the greater one of the two in the middle: an integer that was really measured. */
function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}
