/** Accounts of single nodes, for `why`: what makes a node stale, or what shows that it is fresh. Data, not text. */
import type {
  Action,
  BuildError,
  Blocker,
  Digest,
  Entry,
  Failure,
  Node,
  NodeId,
  Output,
  Reason,
  Seen,
  State,
  World,
} from '@rebake/sdk';
import { compareBytes } from '@rebake/sdk';
import type { Planned } from './plan.ts';

/** An input that is equal to the entry's. */
export interface EqualInput {
  readonly key: string;
  readonly digest: Digest;
  readonly shown?: string;
}

/** A parent whose identity is the one that the node was made from. */
export interface EqualParent {
  readonly node: NodeId;
  readonly identity: Digest;
}

interface Account {
  readonly node: NodeId;
  /** The last success; null where there was none. */
  readonly entry: Entry | null;
  /** What failed since the last success. */
  readonly failure: Failure | null;
}

/** Why a node is what it is. */
export type Explanation =
  /** Everything equals the entry of `entry.run`; where the output was seen. */
  | (Account & {
      readonly verdict: 'fresh';
      readonly inputs: readonly EqualInput[];
      readonly contents: string;
      readonly parents: readonly EqualParent[];
      readonly seen: Seen<Output>;
    })
  /** Planned for; `origins` holds, per leaf of a reason's path that is another node, that node's own reasons. */
  | (Account & {
      readonly verdict: 'planned';
      readonly action: Action;
      readonly origins: ReadonlyMap<NodeId, readonly Reason[]>;
    })
  /** Nothing can be said: something could not be seen or done. */
  | (Account & { readonly verdict: 'blocked'; readonly blocker: NodeId; readonly why: BuildError | null })
  /** The plan was made without this node. */
  | (Account & { readonly verdict: 'unplanned' });

/** Explains a node by the plan that was made for it: nothing is judged a second time. */
export function explain(node: Node, planned: Planned, state: State, world: World): Explanation {
  const entry = state.entries.get(node.id) ?? null;
  const account: Account = { node: node.id, entry, failure: state.failures.get(node.id) ?? null };
  const blocker = planned.blocked.get(node.id);
  if (blocker !== undefined) return { ...account, verdict: 'blocked', blocker, why: whyOf(planned.blockers, blocker) };
  const actions = new Map(planned.plan.actions.map((action) => [action.node, action]));
  const action = actions.get(node.id);
  if (action === undefined) return { ...account, verdict: 'unplanned' };
  if (action.atMost !== 'keep') return { ...account, verdict: 'planned', action, origins: originsOf(action, actions) };
  return {
    ...account,
    verdict: 'fresh',
    inputs: equalInputs(node),
    contents: entry?.contents ?? '',
    parents: node.parents.flatMap((parent) => {
      const identity = entry?.parents[parent];
      return identity === undefined ? [] : [{ node: parent, identity }];
    }),
    seen: world.outputs.get(node.id) ?? { seen: 'no' },
  };
}

function whyOf(blockers: readonly Blocker[], node: NodeId): BuildError | null {
  return blockers.find((blocker) => blocker.node === node)?.why ?? null;
}

function originsOf(action: Action, actions: ReadonlyMap<NodeId, Action>): ReadonlyMap<NodeId, readonly Reason[]> {
  const origins = new Map<NodeId, readonly Reason[]>();
  for (const { path } of action.reasons) {
    const [leaf] = path;
    const reasons = leaf === undefined || leaf === action.node ? undefined : actions.get(leaf)?.reasons;
    if (leaf !== undefined && reasons !== undefined) origins.set(leaf, reasons);
  }
  return origins;
}

function equalInputs(node: Node): readonly EqualInput[] {
  return Object.entries(node.inputs)
    .toSorted(([a], [b]) => compareBytes(a, b))
    .map(([key, { digest, shown }]) => (shown === undefined ? { key, digest } : { key, digest, shown }));
}
