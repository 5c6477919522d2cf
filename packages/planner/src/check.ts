/** Whether a saved plan still fits: the graph, the state, and each entry that it read. */
import type { Action, Digest, Entry, Node, NodeId, Plan, State } from '@rebake/sdk';
import { graphDigest, planDigest } from './digests.ts';

/** One way in which a plan does not fit any more. `node` is null for what concerns all of it. */
export interface Stale {
  readonly node: NodeId | null;
  readonly why: string;
}

/** `done`: nodes that an earlier, interrupted apply of this same plan has finished. */
export type PlanCheck =
  | { readonly ok: true; readonly done: ReadonlySet<NodeId> }
  | { readonly ok: false; readonly stale: readonly Stale[] };

/**
 * Checks a plan against the present graph and state. An entry may have the version that the plan read, or have been written by the plan itself; a
 * vanished node may be gone already.
 */
export function checkPlan(plan: Plan, nodes: readonly Node[], state: State): PlanCheck {
  const stale: Stale[] = [];
  if (plan.lineage !== state.lineage) stale.push({ node: null, why: 'it was made from another state' });
  if (plan.graph !== graphDigest(nodes)) stale.push({ node: null, why: 'the declaration has changed since' });
  if (stale.length > 0) return { ok: false, stale };

  const digest = planDigest(plan);
  const done = new Set<NodeId>();
  for (const action of plan.actions) {
    const found = compare(action, state.entries.get(action.node), digest);
    if (found === 'done') done.add(action.node);
    else if (found !== 'same') stale.push({ node: action.node, why: found.why });
  }
  return stale.length > 0 ? { ok: false, stale } : { ok: true, done };
}

function compare(action: Action, entry: Entry | undefined, plan: Digest): 'same' | 'done' | { readonly why: string } {
  if (entry !== undefined && entry.plan === plan) return 'done';
  if ((entry?.version ?? null) === action.entry) return 'same';
  if (entry === undefined) {
    return action.atMost === 'forget' || action.atMost === 'delete'
      ? 'done'
      : { why: 'its entry has been removed from the state since' };
  }
  return {
    why:
      action.entry === null
        ? 'it has got an entry since'
        : `its entry has changed since (run ${entry.run} at ${entry.at})`,
  };
}
