/** `plan`: the least work that is sure to suffice, in an allowed order, with the reasons. Pure: the same input gives the same plan. */
import {
  compareBytes,
  type Action,
  type Blocker,
  type ClaimNote,
  type Effort,
  type Node,
  type NodeId,
  type Output,
  type Plan,
  type Reason,
  type State,
  type Wish,
  type World,
} from '@rebake/sdk';
import { digestOfGraph } from './digests.ts';
import { buildGraph, nodeAt, type Graph } from './graph.ts';
import { reasoner } from './reasons.ts';
import { assess, type Question, type Situation, type Situations } from './situation.ts';
import { spread, type Condition, type Spread } from './spread.ts';

/** A plan, and what could not be planned. */
export interface Planned {
  readonly plan: Plan;
  /** In the order of the plan. */
  readonly blockers: readonly Blocker[];
  /** Nodes that got no action because of a blocker, the blocker's own node among them → the node of that blocker. They are not claimed to be fresh. */
  readonly blocked: ReadonlyMap<NodeId, NodeId>;
}

const NOTHING: readonly NodeId[] = [];
const NO_REASONS: readonly Reason[] = [];

/**
 * Plans.
 *
 * - **Order and `after`.** The list is in topological order of the graph. `after` holds the parents that have an action other than `keep`, and
 *   those nodes of `ifChanged` that come earlier in the list. `ifChanged` may also name nodes that come later: a parent that is built only
 *   if a child turns out to need it cannot wait for what decides about the child. Such a node is settled by the demand that reaches it at
 *   run time, not by waiting.
 * - **Conditions.** An action whose every ground is conditional carries the union of the grounds' conditions. A demand on a parent under the
 *   condition that this very parent changes is no demand: then it has just been built.
 * - **Reasons.** An unconditional action carries the causes of the ledger (and of force, presence and tags) alone; a conditional one, one
 *   PARENT_MAY_CHANGE for each node where the change may arise, at most {@link MAX_ORIGINS}; paths are cut to {@link MAX_PATH}. A fetch is for OUTPUT_MISSING: the image is
 *   not where it is needed.
 * - **Vanished nodes** come last, with an empty `after`: they wait for everything before them.
 *   With `wish.only` they are left alone.
 *
 * @throws on bug-level inconsistencies: see {@link buildGraph}; a wish that names unknown nodes or lacks a needed ancestor.
 */
export function plan(nodes: readonly Node[], state: State, world: World, wish: Wish): Planned {
  const graph = buildGraph(nodes);
  const question: Question = {
    graph,
    state,
    world,
    forced: forcedNodes(graph, wish),
    wanted: wantedRanks(graph, wish),
    needs: wish.needs ?? [],
  };
  const { situations, found, blockers } = settle(question);
  const actions = [
    ...nodeActions(question, situations, found),
    ...(wish.only === undefined ? vanished(graph, state, wish) : []),
  ];
  const name = (rank: number): NodeId => nodeAt(graph.order, rank).id;
  return {
    plan: {
      formatVersion: 1,
      graph: digestOfGraph(graph),
      lineage: state.lineage,
      refreshed: world.refreshed,
      externals: externalsOf(question, situations),
      actions,
    },
    blockers: [...blockers].toSorted(([a], [b]) => a - b).map(([, blocker]) => blocker),
    blocked: new Map([...situations.blockedBy].map(([rank, by]) => [name(rank), name(by)])),
  };
}

function rankOf(graph: Graph, id: NodeId): number {
  const rank = graph.rank.get(id);
  if (rank === undefined) throw new Error(`the wish names an unknown node ${id}`);
  return rank;
}

function forcedNodes(graph: Graph, wish: Wish): ReadonlySet<NodeId> {
  for (const id of wish.force) rankOf(graph, id);
  return new Set(wish.force);
}

function wantedRanks(graph: Graph, wish: Wish): ReadonlySet<number> | null {
  if (wish.only === undefined) return null;
  const wanted = new Set(wish.only.map((id) => rankOf(graph, id)));
  for (const rank of wanted) {
    for (const parent of graph.parents[rank] ?? []) {
      if (!wanted.has(parent))
        throw new Error(
          `the wish names ${nodeAt(graph.order, rank).id} without its parent ${nodeAt(graph.order, parent).id}`,
        );
    }
  }
  return wanted;
}

/**
 * What is blocked demands nothing, so blockers that are found while spreading shrink what is spread: a second round, with all of them known, finds
 * no new one, because it demands nothing that the first did not.
 */
function settle(question: Question): { situations: Situations; found: Spread; blockers: ReadonlyMap<number, Blocker> } {
  const first = assess(question, new Map());
  const found = spread(question, first);
  if (found.blockers.size === 0) return { situations: first, found, blockers: first.blockers };
  const known = new Map([...first.blockers, ...found.blockers]);
  const second = assess(question, known);
  return { situations: second, found: spread(question, second), blockers: second.blockers };
}

function externalsOf({ graph }: Question, situations: Situations): Record<NodeId, Output> {
  const externals: Record<NodeId, Output> = {};
  for (const [rank, node] of graph.order.entries()) {
    const output = situations.of[rank]?.output;
    if (node.role === 'external' && output?.seen === 'yes') externals[node.id] = output.value;
  }
  return externals;
}

function nodeActions(question: Question, situations: Situations, found: Spread): Action[] {
  const { graph, state, wanted } = question;
  const reasons = reasoner(question, situations, found);
  const efforts: Effort[] = [];
  const actions: Action[] = [];
  for (const [rank, node] of graph.order.entries()) {
    if (wanted !== null && !wanted.has(rank)) continue;
    const atMost = effortOf(rank, node, situations, found);
    efforts[rank] = atMost;
    const entry = state.entries.get(node.id)?.version ?? null;
    if (atMost === 'keep') {
      actions.push({ node: node.id, atMost, ifChanged: NOTHING, reasons: NO_REASONS, after: NOTHING, entry });
      continue;
    }
    const ifChanged = conditionOf(rank, situations, found);
    const before = new Set([
      ...(graph.parents[rank] ?? []).filter((parent) => efforts[parent] !== 'keep'),
      ...ifChanged,
    ]);
    const after = [...before].filter((other) => other < rank).toSorted((a, b) => a - b);
    const names = (ranks: readonly number[]): NodeId[] => ranks.map((other) => nodeAt(graph.order, other).id);
    const claim = claimOf(question, situations.of[rank], node, atMost);
    actions.push({
      node: node.id,
      atMost,
      ifChanged: names(ifChanged),
      reasons: reasons.next(rank),
      ...(claim === null ? {} : { claim }),
      after: names(after),
      entry,
    });
  }
  return actions;
}

function effortOf(rank: number, node: Node, situations: Situations, found: Spread): Effort {
  const situation = situations.of[rank];
  if (situation === undefined) return 'keep';
  if (node.role !== 'external' && found.runs.has(rank)) return node.role === 'image' ? 'build' : 'publish';
  if (found.fetches.has(rank)) return 'fetch';
  return situation.verdict === 'adopt' ? 'adopt' : 'keep';
}

/** What is said of an image that is taken over because of what somebody says; null for all others. */
function claimOf(
  { world }: Question,
  situation: Situation | undefined,
  { id }: Node,
  atMost: Effort,
): ClaimNote | null {
  const adopted = situation?.verdict === 'adopt' && (atMost === 'adopt' || atMost === 'fetch');
  return (adopted ? world.candidates.get(id)?.claim : undefined) ?? null;
}

/** Ranks of which one must change, rising; empty where something happens anyway. */
function conditionOf(rank: number, situations: Situations, found: Spread): readonly number[] {
  if (situations.of[rank]?.verdict !== 'keep') return [];
  const grounds = [found.runs.get(rank), found.fetches.get(rank)].filter(
    (ground): ground is Condition => ground !== undefined,
  );
  if (grounds.some((ground) => ground.always)) return [];
  return [...new Set(grounds.flatMap((ground) => [...ground.ifChanged]))].toSorted((a, b) => a - b);
}

function vanished(graph: Graph, state: State, wish: Wish): Action[] {
  const gone = [...state.entries.keys()].filter((id) => !graph.rank.has(id)).toSorted(compareBytes);
  return gone.map((node) => ({
    node,
    atMost: wish.prune === true ? 'delete' : 'forget',
    ifChanged: NOTHING,
    reasons: [{ cause: { code: 'UNDECLARED' }, path: [node] }],
    after: NOTHING,
    entry: state.entries.get(node)?.version ?? null,
  }));
}
