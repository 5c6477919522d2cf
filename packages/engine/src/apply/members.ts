/** A plan as the scheduler takes it: who waits for whom, what is demanded of which parent, and what goes first. */
import { isDelegated } from '@rebake/planner';
import type { Action, Node, NodeId } from '@rebake/sdk';
import type { Member } from './cell.ts';
import type { Ground } from './ground.ts';

/** Members in the order of the plan, which is parents first. */
export function membersOf(ground: Ground, order: ReadonlyMap<NodeId, number>): readonly Member[] {
  return ground.plan.actions.map((action) => memberOf(ground, action, order.get(action.node) ?? 0));
}

function memberOf(ground: Ground, action: Action, priority: number): Member {
  const { node: id, atMost } = action;
  const node = ground.node(id);
  if (!node) return { id, parents: [], from: null, atMost, priority, lane: null };
  return {
    id,
    parents: node.parents,
    from: fromOf(ground, node),
    atMost,
    priority,
    lane: node.role === 'image' ? node.builder : null,
  };
}

function fromOf(ground: Ground, node: Node): Member['from'] {
  const image = node.parents.find((id) => ground.node(id)?.role === 'image');
  if (image === undefined) return null;
  // As in the planner: what another system makes from an image that is only known by what somebody says of it demands nothing of it.
  const trusted = ground.action(image).claim !== undefined || ground.entries.get(image)?.output.at.length === 0;
  if (trusted && node.role === 'image' && isDelegated(node)) return null;
  // Registries copy among each other; into an engine, only what is there can be tagged, and only on what is there can be built.
  return { node: image, demand: node.role === 'publication' && node.registry !== null ? 'anywhere' : 'engine' };
}
