/** What rebake remembers: the last success of each node, with the ledger it was made from. */
import type { BuildError, Digest, Output } from '@rebake/image';
import type { Inputs, NodeId } from './node.ts';
import type { Reason } from './plan.ts';
import type { Capabilities } from './plan.ts';

/** The last success of a node. */
export interface Entry {
  /** Rises by one with each write of this node's entry; a plan is bound to it. */
  readonly version: number;
  readonly inputs: Inputs;
  /** Contents class of the builder that made it; empty for externals and publications. */
  readonly contents: string;
  /** Identities of the parents it was made from, in the node's own order of parents. */
  readonly parents: Readonly<Record<NodeId, Digest>>;
  readonly output: Output;
  /** Key of an image, for adoption under another name; null for externals and publications. */
  readonly key: Digest | null;
  /** Where the builder's engine keeps its record of the build that made it ({@link Built.record}). */
  readonly record?: string;
  /** How long the last build or publication took, in milliseconds; absent when it never ran here. */
  readonly ms?: number;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Run that wrote it. */
  readonly run: string;
  /** Digest of the plan that wrote it: such an entry counts as done when the plan file is applied again. */
  readonly plan: Digest;
}

/** An entry to be written; the store gives the version. */
export type NewEntry = Omit<Entry, 'version'>;

/** A failure since the last success of a node. */
export interface Failure {
  readonly error: BuildError;
  readonly at: string;
  readonly run: string;
}

/** One node in one run, for `why` and the history. */
export interface HistoryRow {
  readonly run: string;
  readonly node: NodeId;
  readonly outcome: string;
  /** Reasons of the action, as in the plan. */
  readonly reasons: readonly Reason[];
  readonly ms: number | null;
  readonly at: string;
  readonly error?: BuildError;
}

/** Everything that a plan needs of the past. `lineage` is random and made with the state: a plan of another state is stale. */
export interface State {
  readonly lineage: string;
  readonly entries: ReadonlyMap<NodeId, Entry>;
  readonly failures: ReadonlyMap<NodeId, Failure>;
}

/** Keeps state and history. A write is durable when its promise resolves. */
export interface Store {
  read(): Promise<State>;
  /** Writes a success and clears the node's failure. Returns the entry with its version. */
  commit(node: NodeId, entry: NewEntry): Promise<Entry>;
  /** Notes a failure; the last success stays. */
  fail(node: NodeId, failure: Failure): Promise<void>;
  /** Drops a node's entry and failure. */
  forget(node: NodeId): Promise<void>;
  /** Appends to the history. */
  record(row: HistoryRow): Promise<void>;
  /** Newest first. */
  history(filter: {
    readonly node?: NodeId;
    readonly run?: string;
    readonly limit?: number;
  }): Promise<readonly HistoryRow[]>;
  /** Drops the history of all but the newest `runs` runs. */
  retain(runs: number): Promise<void>;
  /** What each builder said when it was last probed, by name: what `--refresh=false` plans with. */
  capabilities(): Promise<ReadonlyMap<string, Capabilities>>;
  /** Remembers what a builder said. */
  remember(builder: string, capabilities: Capabilities): Promise<void>;
  /**
   * Takes the one lock for changing things. Resolves to its release, or to who holds it. A lock dies with its process.
   */
  lock(
    holder: LockHolder,
  ): Promise<
    { readonly ok: true; release(): Promise<void> } | { readonly ok: false; readonly holder: LockHolder | null }
  >;
  close(): Promise<void>;
}

/** Who holds the lock. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly run: string;
  readonly since: string;
}
