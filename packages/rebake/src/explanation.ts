/** What `why` has to say, as a value and as JSON. */
import type { Explanation as Account } from '@rebake/planner';
import type { HistoryRow, NodeId, Reason } from '@rebake/sdk';

/** Everything that is to be said about one node. */
export interface Explanation {
  readonly account: Account;
  /** False when nothing was looked at: what was seen is what the state says. */
  readonly refreshed: boolean;
  /** The last run that did something to it. */
  readonly lastRun: LastRun | null;
  /** Short names of the nodes named in it. */
  readonly names: ReadonlyMap<NodeId, string>;
}

/** What a run did to a node, with the reasons that the nodes had then where its own arose. */
export interface LastRun {
  readonly row: HistoryRow;
  readonly origins: ReadonlyMap<NodeId, readonly Reason[]>;
}

/** An explanation as plain JSON, for programs. */
export function explanationJson({ account, refreshed, lastRun }: Explanation): Readonly<Record<string, unknown>> {
  const origins: Readonly<Record<string, readonly Reason[]>> =
    account.verdict === 'planned' ? Object.fromEntries(account.origins) : {};
  const then = lastRun === null ? null : { ...lastRun.row, origins: Object.fromEntries(lastRun.origins) };
  return {
    formatVersion: 1,
    refreshed,
    ...account,
    ...(account.verdict === 'planned' ? { origins } : {}),
    lastRun: then,
  };
}
