/** `why`: a node's verdict with its evidence, and what the last run did to it. */
import { explain, selectNodes, shortNames, type Explanation as Account } from '@rebake/planner';
import type { Diagnostic, HistoryRow, NodeId, Reason } from '@rebake/sdk';
import { selectionDiagnostic } from './diagnostics.ts';
import { withPlan, type PlanOptions } from './plan.ts';
import { openProject } from './project.ts';

/** Everything that is to be said about one node. */
export interface Explanation {
  readonly account: Account;
  /** The last run that did something to it. */
  readonly lastRun: HistoryRow | null;
  /** Short names of the nodes named in it. */
  readonly names: ReadonlyMap<NodeId, string>;
}

/** The explanation; null when the declaration has errors or the node is unknown. */
export interface WhyResult {
  readonly explanation: Explanation | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Explains one node, fresh or stale. */
export async function why(options: PlanOptions & { readonly node: string }): Promise<WhyResult> {
  const project = await openProject(options);
  try {
    return await withPlan(project, options, async ({ planned, diagnostics }) => {
      if (planned === null) return { explanation: null, diagnostics };
      const { nodes } = planned.expansion;
      const picked = selectNodes(nodes, [options.node], 'alone');
      if (!picked.ok) return { explanation: null, diagnostics: picked.problems.map(selectionDiagnostic) };
      const node = nodes.find(({ id }) => id === picked.nodes[0]);
      if (node === undefined) throw new Error('a selected node is one of the nodes');
      const [lastRun = null] = await (await project.store()).history({ node: node.id, limit: 1 });
      const names = shortNames(nodes.map(({ id }) => id));
      const account = explain(node, planned, planned.state, planned.world);
      return { explanation: { account, lastRun, names }, diagnostics };
    });
  } finally {
    await project.close();
  }
}

/** An explanation as plain JSON, for programs. */
export function explanationJson({ account, lastRun }: Explanation): Readonly<Record<string, unknown>> {
  const origins: Readonly<Record<string, readonly Reason[]>> =
    account.verdict === 'planned' ? Object.fromEntries(account.origins) : {};
  return { formatVersion: 1, ...account, ...(account.verdict === 'planned' ? { origins } : {}), lastRun };
}
