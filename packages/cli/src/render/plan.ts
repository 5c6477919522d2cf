/** A whole plan for people: heading, tree, summary. */
import { shortNames, type Planned } from '@rebake/rebake';
import type { Io } from '../io.ts';
import { painter } from './style.ts';
import { planSummary } from './summary.ts';
import { treeText } from './tree.ts';

/** What `rebake plan` prints. */
export function planText(planned: Planned, io: Pick<Io, 'colors'>): string {
  const { plan, expansion } = planned;
  const paint = painter(io.colors);
  const names = shortNames([...expansion.nodes.map(({ id }) => id), ...plan.actions.map(({ node }) => node)]);
  const tree = treeText({
    nodes: expansion.nodes,
    actions: plan.actions,
    blocked: planned.blocked,
    paint,
    name: (id) => names.get(id) ?? id,
    heading: (id) => {
      const release = expansion.images.get(id)?.release;
      return release === undefined || release === null ? null : `DSS ${release}`;
    },
  });
  const trusted = plan.refreshed
    ? ''
    : `${paint('yellow', 'Nothing was looked at: the state is trusted (--refresh=false).')}\n`;
  const quiet = plan.actions.every(({ atMost }) => atMost === 'keep') && planned.blockers.length === 0;
  return `${trusted}${quiet ? '' : `${tree}\n`}${paint('bold', planSummary(plan.actions, planned.blocked.size))}\n`;
}
