/** What is started first where several nodes may start: what is wanted most, then what the longest way goes on from. */
import type { Graph } from '@rebake/planner';
import type { Node, NodeId } from '@rebake/sdk';

/** How much a node is wanted early; greater is earlier. */
export type Priority = (node: Node) => number;

/**
 * Numbers for the ready queue, greater is earlier. A node is wanted as much as whatever rests on it: a base of a hot env is hot. Nodes that are
 * wanted equally are ordered by their longest remaining paths.
 */
export function startOrder(
  graph: Graph,
  remaining: ReadonlyMap<NodeId, number>,
  priority: Priority | undefined,
): ReadonlyMap<NodeId, number> {
  if (!priority) return remaining;
  const wanted: number[] = [];
  for (let rank = graph.order.length - 1; rank >= 0; rank--) {
    const node = graph.order[rank];
    if (node === undefined) continue;
    const below = (graph.children[rank] ?? []).map((child) => wanted[child] ?? -Infinity);
    wanted[rank] = below.reduce((most, child) => Math.max(most, child), priority(node));
  }
  const places = [...remaining].map(([id, ms]) => ({ id, ms, want: wanted[graph.rank.get(id) ?? -1] ?? -Infinity }));
  // Equal ones keep an equal number, so that they start in the order of the plan, as without priorities.
  const order = new Map<NodeId, number>();
  let before: (typeof places)[number] | undefined;
  let number = 0;
  for (const place of places.toSorted((a, b) => compare(a.want, b.want) || a.ms - b.ms)) {
    if (before && (place.want !== before.want || place.ms !== before.ms)) number += 1;
    order.set(place.id, number);
    before = place;
  }
  return order;
}

/** As numbers, infinite ones too, whose difference is none. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
