/** The nodes of a plan as a forest: each below its first parent, knowing whether anything is to be seen in it. */
import type { Action, Node, NodeId } from '@rebake/sdk';

/** A node with what stands on it. */
export interface Branch {
  readonly id: NodeId;
  /** Null for a node that is no longer declared. */
  readonly node: Node | null;
  readonly children: readonly Branch[];
  /** Whether this node and everything below it stays as it is. */
  readonly quiet: boolean;
  /** Nodes in it, itself included. */
  readonly size: number;
}

/** Plants the nodes that have an action, in their order. A node whose first parent has none is a root. `loud`: to be seen although it is kept. */
export function plantForest(
  nodes: readonly Node[],
  actions: ReadonlyMap<NodeId, Action>,
  loud: { has(id: NodeId): boolean },
): readonly Branch[] {
  const below = new Map<NodeId, Node[]>();
  const roots: Node[] = [];
  for (const node of nodes) {
    if (!actions.has(node.id)) continue;
    const [first] = node.parents;
    if (first === undefined || !actions.has(first)) roots.push(node);
    else if (below.has(first)) below.get(first)?.push(node);
    else below.set(first, [node]);
  }
  const grow = (node: Node): Branch => {
    const children = (below.get(node.id) ?? []).map(grow);
    const quiet =
      actions.get(node.id)?.atMost === 'keep' && !loud.has(node.id) && children.every((child) => child.quiet);
    return { id: node.id, node, children, quiet, size: children.reduce((sum, child) => sum + child.size, 1) };
  };
  return roots.map(grow);
}
