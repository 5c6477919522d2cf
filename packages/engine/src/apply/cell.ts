/** What the scheduler knows of one node: the vocabulary of its state machine. */
import type { BuildError, Digest, Effort, NodeId, Outcome } from '@rebake/sdk';

/** Where an image has to be: in the engine that builds on it, or anywhere from where it can be copied. */
export type Demand = 'anywhere' | 'engine';

/** Where an image was found. */
export type Place = 'engine' | 'registry' | 'nowhere';

/**
 * One piece of work that the scheduler hands out. `look` asks for a candidate, `locate` for the image itself; both only ask. `adopt`
 * records what `look` found.
 */
export type Work = 'look' | 'locate' | 'adopt' | 'fetch' | 'build' | 'publish' | 'forget' | 'delete';

/** Work that a node waits with until its parents are as it needs them. */
export type HeldWork = 'adopt' | 'build' | 'publish';

/** What the scheduler has to know of a node, once. */
export interface Member {
  readonly id: NodeId;
  /** Nodes that are settled before; all of them come earlier in the list of members. */
  readonly parents: readonly NodeId[];
  /** The parent that has to be present before work on this node starts, and where. Null: none of rebake's own. */
  readonly from: { readonly node: NodeId; readonly demand: Demand } | null;
  /** What the plan allows. */
  readonly atMost: Effort;
  /** Among those that may start, the one with the greatest goes first. */
  readonly priority: number;
  /** Name of the builder whose limit counts. */
  readonly lane: string | null;
}

/** What judging says of a node, with the identities that its parents have now. */
export type Verdict =
  | { readonly is: 'fresh'; readonly identity: Digest | null }
  | { readonly is: 'stale'; readonly first: 'look' | HeldWork }
  | { readonly is: 'failed'; readonly error: BuildError };

/** How a node ended. */
export interface Settlement {
  readonly node: NodeId;
  readonly outcome: Outcome;
  readonly identity: Digest | null;
  readonly error?: BuildError;
  readonly cause?: NodeId;
}

/** How a piece of work ended. */
export type Report =
  | { readonly work: 'look'; readonly found: Place | null }
  | { readonly work: 'locate'; readonly place: Place }
  | { readonly work: 'fetch' | 'forget' | 'delete' }
  | { readonly work: 'adopt' | 'build' | 'publish'; readonly identity: Digest }
  | { readonly work: 'failed'; readonly error: BuildError }
  | { readonly work: 'cancelled'; readonly error: BuildError };

/**
 * `waiting` for parents; `asking` whether there is a candidate; `held` until it may work; `working`; `known`: its identity is known
 * (kept, or worked on with success); the rest are ends.
 */
export type Phase = 'waiting' | 'asking' | 'held' | 'working' | 'known' | 'failed' | 'skipped' | 'cancelled';

/** One node in the machine. */
export interface Cell {
  readonly member: Member;
  readonly parents: Cell[];
  readonly children: Cell[];
  readonly from: Cell | null;
  phase: Phase;
  /** What a held cell is about to do. */
  work: HeldWork | null;
  identity: Digest | null;
  /** Whether `identity` cannot change any more in this run. */
  firm: boolean;
  outcome: Outcome;
  /** Strongest demand for its presence, and what is known of that. */
  demand: Demand | null;
  place: Place | null;
  /** The task that is queued or running for it: one for its own work, one for its presence. */
  task: Task | null;
  presence: Task | null;
  /** Set when a parent changed under running work: it is judged again when that ends. */
  again: boolean;
  /** Whether its end was told. */
  settled: boolean;
  /** For skipped ones: the node that failed. */
  cause: NodeId | null;
}

/** An end without success. */
export type End =
  | { readonly phase: 'failed' | 'cancelled'; readonly error: BuildError }
  | { readonly phase: 'skipped'; readonly cause: NodeId };

/** A task in the queue, or running. A dropped one stays in the queue and is passed over. */
export interface Task {
  readonly cell: Cell;
  readonly work: Work;
  readonly lane: string | null;
  running: boolean;
  dropped: boolean;
}

/** A cell at the start. */
export function createCell(member: Member, parents: Cell[], from: Cell | null): Cell {
  return {
    member,
    parents,
    children: [],
    from,
    phase: 'waiting',
    work: null,
    identity: null,
    firm: false,
    outcome: 'kept',
    demand: null,
    place: null,
    task: null,
    presence: null,
    again: false,
    settled: false,
    cause: null,
  };
}

/** Whether what is known of a cell's place meets a demand. */
export function meets(place: Place | null, demand: Demand): boolean {
  return place === 'engine' || (place === 'registry' && demand === 'anywhere');
}

/** Whether a cell has ended without success. */
export function ended(cell: Cell): boolean {
  return cell.phase === 'failed' || cell.phase === 'skipped' || cell.phase === 'cancelled';
}

/** Whether a child may rely on the cell: its identity is known for good, or it ended and will not get another one. */
export function settledForGood(cell: Cell): boolean {
  return cell.firm || ended(cell);
}

/** Efforts that a bound is compared with, in rising order; vanished nodes have bounds of their own. */
const RISING: readonly Effort[] = ['keep', 'adopt', 'fetch', 'rebase', 'build', 'publish'];

/** Whether a plan's bound covers an effort. */
export function covers(atMost: Effort, need: HeldWork | 'fetch'): boolean {
  return RISING.indexOf(need) <= RISING.indexOf(atMost);
}

/** Whether the node is no longer declared: it has no parents and comes last. */
export function vanishes(cell: Cell): boolean {
  return cell.member.atMost === 'forget' || cell.member.atMost === 'delete';
}

/** Whether a kept image may still be fetched or built because it turns out to be demanded: it is settled late then. */
export function mayBeBrought(cell: Cell): boolean {
  return cell.place !== 'engine' && (cell.member.atMost === 'fetch' || mayBeBuilt(cell));
}

/** Whether a known image may be built again only because it is nowhere: then its identity is an assumption until it is seen somewhere. */
export function reopenable(cell: Cell): boolean {
  return (cell.place === null || cell.place === 'nowhere') && mayBeBuilt(cell);
}

function mayBeBuilt({ member }: Cell): boolean {
  return member.atMost === 'build' || member.atMost === 'rebase';
}
