/** Judging a node during an apply, when the identities of its parents are known: what it needs, within what was planned. */
import { judge } from '@rebake/planner';
import type { BuildError, Capabilities, Digest, NodeId, Seen } from '@rebake/sdk';
import { roleOf } from '../observe/outlook.ts';
import type { Verdict } from './cell.ts';
import type { Ground } from './ground.ts';

/** Identities of a node's parents; null: not known, which happens only below what the plan could not decide. */
type Parents = ReadonlyMap<NodeId, Digest | null>;

/** Causes that no condition of a plan covers: they arise in the node itself. */
const OWN_CAUSES: ReadonlySet<string> = new Set([
  'NEVER_BUILT',
  'INPUT_CHANGED',
  'INPUT_ADDED',
  'INPUT_REMOVED',
  'CONTENTS_CHANGED',
]);

/** Judges a node. `capabilities`: of the builders of images that may be built or adopted. */
export function judgeNode(
  ground: Ground,
  id: NodeId,
  parents: Parents,
  capabilities: ReadonlyMap<string, Seen<Capabilities>>,
): Verdict {
  const node = ground.node(id);
  const action = ground.action(id);
  if (!node) throw new Error(`${id} is not declared`);
  if (action.atMost === 'keep') return keep(ground, id, parents);
  const identities = new Map<NodeId, Digest>();
  for (const [parent, identity] of parents) if (identity !== null) identities.set(parent, identity);
  const entry = ground.entries.get(id);
  const fresh: Verdict = { is: 'fresh', identity: entry?.output.identity ?? null };
  const causes = (contents: string) => judge(node, entry, contents, identities, roleOf(ground.graph));
  const forced = !ground.isDone(id) && action.reasons.some(({ cause }) => cause.code === 'FORCED');

  switch (node.role) {
    case 'external': {
      const pinned = ground.external(id)?.identity;
      const same = pinned === undefined || (causes('').length === 0 && entry?.output.identity === pinned);
      return same ? fresh : { is: 'stale', first: 'adopt' };
    }
    case 'image': {
      const seen = capabilities.get(node.builder);
      if (seen?.seen !== 'yes') return { is: 'failed', error: silentBuilder(node.builder, seen) };
      if (forced) return { is: 'stale', first: 'build' };
      const found = causes(seen.value.contents);
      if (found.length === 0) return fresh;
      if (action.ifChanged.length > 0 && found.some(({ code }) => OWN_CAUSES.has(code))) {
        return { is: 'failed', error: ground.exceeded('it has to be built whatever its parents do').error };
      }
      return { is: 'stale', first: 'look' };
    }
    case 'publication': {
      const needed = forced || causes('').length > 0;
      if (action.atMost === 'adopt') return needed ? { is: 'stale', first: 'adopt' } : fresh;
      // Unconditional: its tags do not show what they should, whatever the ledger says.
      const unconditional = action.ifChanged.length === 0 && !ground.isDone(id);
      return needed || unconditional ? { is: 'stale', first: 'publish' } : fresh;
    }
    default:
      return node satisfies never;
  }
}

/** Planned to stay as it is: so it does, unless what it rests on was to be adopted and came out as something else than expected. */
function keep(ground: Ground, id: NodeId, parents: Parents): Verdict {
  const entry = ground.entries.get(id);
  const pinned = ground.external(id);
  if (!entry) return { is: 'fresh', identity: pinned?.identity ?? null };
  for (const [parent, identity] of parents) {
    // Externals are what the plan says: what was kept below them in spite of that was kept for a reason of its own.
    if (ground.action(parent).atMost === 'keep' || ground.external(parent) || identity === null) continue;
    if (entry.parents[parent] !== identity)
      return { is: 'failed', error: ground.exceeded(`its parent ${parent} is not what was expected`).error };
  }
  return { is: 'fresh', identity: pinned?.identity ?? entry.output.identity };
}

function silentBuilder(name: string, seen: Seen<Capabilities> | undefined): BuildError {
  if (seen?.seen === 'unknown') return seen.why;
  return { code: 'BUILDER_UNKNOWN', retry: 'never', words: `there is no builder ${name}` };
}
