/** The plan: what to do at most, in which order, and why. JSON as it stands; docs/reference/plan.schema.json is made from it. */
import type { BuildError, Digest, Output, Platform, Seen } from '@rebake/image';
import type { Image, Input, NodeId, Where } from './node.ts';

/**
 * What a builder may be unable to do, beyond steps and platforms: `engine-names`: it has no engine in which others would find an image by name
 * (publications without a registry); `secrets`: no secret mounts; `network`: no choice of the network of builds; `proxy`: no proxy for builds.
 */
export type Lack = 'engine-names' | 'secrets' | 'network' | 'proxy';

/** What a builder can do, as it says when probed. */
export interface Capabilities {
  /** Id of the engine behind it: locations of the form `{engine, name}` carry it. */
  readonly engine: string;
  /** Contents class, such as `dockerfile@1`: builders of one class make interchangeable images. Counts in the key. */
  readonly contents: string;
  /** Steps it knows, as `name@version`. */
  readonly steps: readonly string[];
  readonly platforms: readonly Platform[];
  /** Whether the same job gives the same identity, where its steps do the same. */
  readonly reproducible: boolean;
  /** What it cannot do; absent: nothing of it. What a node needs and its builder lacks is said when planning. */
  readonly lacks?: readonly Lack[];
  /** How many builds it can run side by side; used where the declaration sets no `parallel`. */
  readonly parallel?: number;
}

/** What is said of an image that somebody else has made. */
export interface ClaimNote {
  /** Who made it and when, for people: `built by DSS 14.3.2 on 2026-11-01`. */
  readonly note: string;
  /** What about it could not be verified, in words; empty: nothing. */
  readonly unverified: readonly string[];
}

/** An image that somebody else has made from what a node declares. Its output has no places where nobody could see it. */
export interface Claim extends ClaimNote {
  readonly output: Output;
}

/**
 * What somebody else has made, for nodes without an entry: asked only after no candidate was found, with the identities of all parents. Null:
 * nothing. Rejects with a `BuildFailure` where it cannot be told: then the node is neither adopted nor built.
 */
export type Claims = (image: Image, parents: ReadonlyMap<NodeId, Digest>) => Promise<Claim | null>;

/** What was found under the key of a node that is not fresh. `claim`: nobody put it there under that key; somebody says that it is the image. */
export interface Candidate {
  readonly key: Digest;
  readonly output: Output;
  readonly claim?: ClaimNote;
}

/** What was seen of the world before planning. */
export interface World {
  /** Per node: the output with the locations that were really seen. */
  readonly outputs: ReadonlyMap<NodeId, Seen<Output>>;
  /** Candidates found for nodes that are not fresh, under the key that they had when looking. */
  readonly candidates: ReadonlyMap<NodeId, Candidate>;
  /** Nodes of which it could not be told whether somebody else has made them, and why; absent: none. */
  readonly untold?: ReadonlyMap<NodeId, BuildError>;
  readonly builders: ReadonlyMap<string, Seen<Capabilities>>;
  /** For publications seen under another identity than their entry's: the first such tag. Where it is missing, the node's first tag is named. */
  readonly movedTags?: ReadonlyMap<NodeId, string>;
  /** False when nothing was looked at and state was trusted (`--refresh=false`). */
  readonly refreshed: boolean;
}

/** Why a node is not fresh: one cause, down to its leaf. */
export type Cause =
  | { readonly code: 'INPUT_CHANGED'; readonly key: string; readonly from: Input; readonly to: Input }
  | { readonly code: 'INPUT_ADDED'; readonly key: string; readonly to: Input }
  | { readonly code: 'INPUT_REMOVED'; readonly key: string; readonly from: Input }
  | {
      readonly code: 'EXTERNAL_MOVED' | 'PARENT_CHANGED';
      readonly parent: NodeId;
      readonly from: Digest | null;
      readonly to: Digest;
    }
  | { readonly code: 'PARENT_MAY_CHANGE'; readonly parent: NodeId }
  | { readonly code: 'CONTENTS_CHANGED'; readonly from: string; readonly to: string }
  | { readonly code: 'NEVER_BUILT'; readonly because: readonly Where[] }
  | { readonly code: 'OUTPUT_MISSING' }
  | { readonly code: 'TAG_MOVED'; readonly tag: string; readonly from: Digest; readonly to: Digest }
  | { readonly code: 'FORCED' }
  | { readonly code: 'UNDECLARED' };

/** A cause with the path from the node where it arose to the node that it is a reason for (leaf first, that node last). */
export interface Reason {
  readonly cause: Cause;
  readonly path: readonly NodeId[];
}

/** How much an action may do, from nothing upwards; images up to `build`, publications `publish`, vanished nodes `forget` or `delete`. */
export type Effort = 'keep' | 'adopt' | 'fetch' | 'rebase' | 'build' | 'publish' | 'forget' | 'delete';

/** One node's part of a plan: an upper bound, `ifChanged` naming the nodes of which one must change for anything to happen. */
export interface Action {
  readonly node: NodeId;
  readonly atMost: Effort;
  /** Empty: unconditional. Else the action runs only if one of these nodes comes out with another identity than its entry has, or is itself built because it was missing. */
  readonly ifChanged: readonly NodeId[];
  readonly reasons: readonly Reason[];
  /** What is said of an image that is adopted because somebody else has made it. */
  readonly claim?: ClaimNote;
  /** Nodes to be settled before; always earlier in the list. */
  readonly after: readonly NodeId[];
  /** Version of the entry that was read; null where there was none. */
  readonly entry: number | null;
}

/** A plan. `actions` is in an allowed order and names every node of the wish, kept ones too. */
export interface Plan {
  readonly formatVersion: 1;
  /** Digest of all nodes (ids, roles, inputs, parents, builders, repositories, tags), not of machine facts. */
  readonly graph: Digest;
  readonly lineage: string;
  readonly refreshed: boolean;
  /** What external references resolved to: an apply uses exactly these. */
  readonly externals: Readonly<Record<NodeId, Output>>;
  readonly actions: readonly Action[];
}

/** What the user asked for, beyond the declaration. */
export interface Wish {
  /** Built again whatever the ledger says, without adoption (`--rebuild`). */
  readonly force: readonly NodeId[];
  /** Only these nodes (closed over needed ancestors already); absent: all. */
  readonly only?: readonly NodeId[];
  /** Delete what vanished nodes left, instead of only forgetting them. */
  readonly prune?: boolean;
  /** What every build needs of its builder because of how builds reach the world; absent: nothing. */
  readonly needs?: readonly Lack[];
}

/** What stands in the way of a node: an unknown observation of something demanded, or a builder that cannot do it. */
export interface Blocker {
  readonly node: NodeId;
  readonly code: 'OBSERVATION_UNKNOWN' | 'BUILDER_UNKNOWN' | 'BUILDER_CANNOT';
  readonly why: BuildError;
}
