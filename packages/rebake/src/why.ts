/** `why`: a node's verdict with its evidence, and what the last run did to it. */
import { explain, means, selectNodes, shortNames, type Explanation as Account } from '@rebake/planner';
import type { Diagnostic, NodeId, Reason, Store } from '@rebake/sdk';
import { selectionDiagnostic } from './diagnostics.ts';
import type { Explanation, LastRun } from './explanation.ts';
import { withPlan, type Planned, type PlanOptions } from './plan.ts';
import { withProject } from './project.ts';

/** The explanation; null when the declaration has errors or the node is unknown. */
export interface WhyResult {
  readonly explanation: Explanation | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Explains one node, fresh or stale, or no longer declared. */
export async function why(options: PlanOptions & { readonly node: string }): Promise<WhyResult> {
  const nothing = (diagnostics: readonly Diagnostic[]): WhyResult => ({ explanation: null, diagnostics });
  return withProject(options, nothing, (project) =>
    withPlan(project, options, async ({ planned, diagnostics }) => {
      if (planned === null) return nothing(diagnostics);
      const found = accountOf(planned, options.node);
      if ('diagnostics' in found) return nothing(found.diagnostics);
      const { account } = found;
      const lastRun = await lastRunOf(account.node, await project.store());
      const names = shortNames([...planned.expansion.nodes.map(({ id }) => id), account.node]);
      return { explanation: { account, refreshed: planned.world.refreshed, lastRun, names }, diagnostics };
    }),
  );
}

async function lastRunOf(node: NodeId, store: Store): Promise<LastRun | null> {
  const [row] = await store.history({ node, limit: 1 });
  if (row === undefined) return null;
  const leaves = new Set(
    row.reasons.flatMap(({ path: [leaf] }) => (leaf === undefined || leaf === node ? [] : [leaf])),
  );
  const origins = new Map<NodeId, readonly Reason[]>();
  for (const leaf of leaves) {
    const [then] = await store.history({ node: leaf, run: row.run, limit: 1 });
    if (then !== undefined) origins.set(leaf, then.reasons);
  }
  return { row, origins };
}

type Found = { readonly account: Account } | { readonly diagnostics: readonly Diagnostic[] };

/** A declared node goes first; else one that is in the state only. */
function accountOf(planned: Planned, typed: string): Found {
  const { nodes } = planned.expansion;
  const picked = selectNodes(nodes, [typed], 'alone');
  if (picked.ok) {
    const node = nodes.find(({ id }) => id === picked.nodes[0]);
    if (node === undefined) throw new Error('a selected node is one of the nodes');
    return { account: explain(node, planned, planned.state, planned.world) };
  }
  const { entries, failures } = planned.state;
  const declared = new Set(nodes.map(({ id }) => id));
  const gone = planned.plan.actions.filter(({ node }) => !declared.has(node) && means(typed, node));
  const [action] = gone;
  if (action === undefined || gone.length > 1) return { diagnostics: picked.problems.map(selectionDiagnostic) };
  const { node } = action;
  const [entry, failure] = [entries.get(node) ?? null, failures.get(node) ?? null];
  return { account: { verdict: 'planned', node, entry, failure, action, origins: new Map() } };
}
