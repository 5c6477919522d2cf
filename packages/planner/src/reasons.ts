/** Reasons of the actions, each with the path from the node where it arose. Paths share their beginnings while they are made. */
import type { Cause, NodeId, Reason } from '@rebake/sdk';
import type { Spread } from './spread.ts';
import type { Question, Situations } from './situation.ts';

/** A node that may change for the sake of many others names this many of them; which ones is decided by the order of parents. */
export const MAX_ORIGINS = 8;

/** Longer paths leave out what comes after the leaf: the leaf, then the nodes nearest to the end. */
export const MAX_PATH = 32;

interface Trace {
  readonly leaf: number;
  readonly rank: number;
  readonly from: Trace | null;
}

/** Gives the reasons of one node after the other, parents first. */
export interface Reasoner {
  next(rank: number): readonly Reason[];
}

const NONE: readonly Reason[] = [];

/**
 * Reasons of one node: its own causes; that it is missing where it is needed; and, where nothing of its own makes it run, the open nodes above,
 * once for each node where the change may arise.
 */
export function reasoner(question: Question, situations: Situations, spread: Spread): Reasoner {
  const { graph } = question;
  const traces: (readonly Trace[] | undefined)[] = [];

  const pathOf = (trace: Trace): readonly NodeId[] => {
    const ranks: number[] = [];
    for (let at: Trace | null = trace; at !== null && ranks.length < MAX_PATH; at = at.from) ranks.push(at.rank);
    if (ranks.at(-1) !== trace.leaf) ranks[ranks.length - 1] = trace.leaf;
    return ranks.toReversed().flatMap((rank) => graph.order[rank]?.id ?? []);
  };

  /** A cause that came from a parent arose where the parent's own did; if nothing happens to the parent now, it arises here. */
  const traceOf = (rank: number, cause: Cause): { readonly shown: Trace; readonly arisen: Trace } => {
    const own: Trace = { leaf: rank, rank, from: null };
    if (cause.code !== 'PARENT_CHANGED' && cause.code !== 'EXTERNAL_MOVED') return { shown: own, arisen: own };
    const parent = graph.rank.get(cause.parent);
    if (parent === undefined || parent === rank || cause.from === null) return { shown: own, arisen: own };
    const from = traces[parent]?.[0];
    if (from === undefined)
      return { shown: { leaf: parent, rank, from: { leaf: parent, rank: parent, from: null } }, arisen: own };
    const trace = { leaf: from.leaf, rank, from };
    return { shown: trace, arisen: trace };
  };

  const mayChange = (rank: number, add: (cause: Cause, trace: Trace) => void): void => {
    const leaves = new Set<number>();
    for (const parent of graph.parents[rank] ?? []) {
      const id = graph.order[parent]?.id;
      if (id === undefined || !spread.open.has(parent)) continue;
      for (const from of traces[parent] ?? []) {
        if (leaves.size >= MAX_ORIGINS) return;
        if (leaves.has(from.leaf)) continue;
        leaves.add(from.leaf);
        add({ code: 'PARENT_MAY_CHANGE', parent: id }, { leaf: from.leaf, rank, from });
      }
    }
  };

  return {
    next(rank) {
      const situation = situations.of[rank];
      if (
        situation === undefined ||
        (situation.verdict === 'keep' && !spread.runs.has(rank) && !spread.fetches.has(rank))
      )
        return NONE;
      const reasons: Reason[] = [];
      const arisen = new Map<number, Trace>();
      const add = (cause: Cause, shown: Trace, origin: Trace = shown): void => {
        reasons.push({ cause, path: pathOf(shown) });
        if (!arisen.has(origin.leaf)) arisen.set(origin.leaf, origin);
      };
      for (const cause of situation.causes) {
        const trace = traceOf(rank, cause);
        add(cause, trace.shown, trace.arisen);
      }
      const missing: Cause = { code: 'OUTPUT_MISSING' };
      if (spread.missing.has(rank)) add(missing, { leaf: rank, rank, from: null });
      // What is only fetched does not change: nothing below it has its reason here.
      else if (spread.fetches.has(rank))
        reasons.push({ cause: missing, path: pathOf({ leaf: rank, rank, from: null }) });
      if (situation.verdict === 'keep') mayChange(rank, add);
      traces[rank] = [...arisen.values()].slice(0, MAX_ORIGINS);
      return reasons;
    },
  };
}
