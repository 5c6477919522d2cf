/** A whole plan for people: heading, tree, summary. */
import { shortNames, type Planned } from '@rebake/rebake';
import type { Io } from '../io.ts';
import { painter } from './style.ts';
import { hasChanges, planSummary, quietSummary } from './summary.ts';
import { treeText } from './tree.ts';

/** What `rebake plan` prints. */
export function planText(planned: Planned, io: Pick<Io, 'colors'>): string {
  const { plan, blocked } = planned;
  const quiet = blocked.size === 0 && !hasChanges(plan.actions);
  const tree = quiet ? '' : `${wholeTree(planned, io)}\n`;
  return plainPlan({ refreshed: plan.refreshed, tree, summary: planSummary(plan.actions, blocked.size) }, io);
}

/** A plan that holds nothing to do: the same text, from the count alone. */
export function quietText(kept: number, io: Pick<Io, 'colors'>): string {
  return plainPlan({ refreshed: false, tree: '', summary: quietSummary(kept) }, io);
}

function plainPlan(
  parts: { readonly refreshed: boolean; readonly tree: string; readonly summary: string },
  io: Pick<Io, 'colors'>,
): string {
  const paint = painter(io.colors);
  const trusted = 'Nothing was looked at: the state is trusted (--refresh=false).';
  return `${parts.refreshed ? '' : `${paint('yellow', trusted)}\n`}${parts.tree}${paint('bold', parts.summary)}\n`;
}

function wholeTree({ plan, expansion, blocked }: Planned, io: Pick<Io, 'colors'>): string {
  const names = shortNames([...expansion.nodes.map(({ id }) => id), ...plan.actions.map(({ node }) => node)]);
  return treeText({
    nodes: expansion.nodes,
    actions: plan.actions,
    blocked,
    paint: painter(io.colors),
    name: (id) => names.get(id) ?? id,
    heading: (id) => {
      const release = expansion.images.get(id)?.release;
      return release === undefined || release === null ? null : `DSS ${release}`;
    },
  });
}
