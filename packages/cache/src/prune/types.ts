/** What prune is asked for, and what it says. */

/** `unused`: not used for so long; `over-size`: the least recently used of what is too much; `left-over`: of a process that was killed. */
export type PruneWhy = 'unused' | 'over-size' | 'left-over';

export interface PruneOptions {
  /** What was used within this time, in milliseconds, stays. */
  readonly olderThanMs: number;
  /** What is to stay at most, in bytes; null: any amount. */
  readonly maxBytes: number | null;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Things of one kind that go for one reason. */
export interface PruneRow {
  /** `download`, or how that which was derived is called. */
  readonly kind: string;
  readonly why: PruneWhy;
  readonly count: number;
  /** What that frees. */
  readonly bytes: number;
  /** How many of them free nothing, because an image of a project holds them as well. */
  readonly shared: number;
}

/** What stays. */
export interface PruneKept {
  readonly count: number;
  /** On the disk for the cache alone. */
  readonly bytes: number;
  /** On the disk for images of projects too. */
  readonly sharedBytes: number;
  /** How many stay only because a process that runs now has used them. */
  readonly inUse: number;
}

export interface PruneItem {
  readonly what:
    | { readonly type: 'blob' | 'file'; readonly hex: string }
    | { readonly type: 'fact'; readonly id: number }
    | { readonly type: 'run'; readonly id: string };
  readonly kind: string;
  readonly why: PruneWhy;
  readonly bytes: number;
  readonly isShared: boolean;
  /** A fact that has blobs: it goes with them, and is not counted beside them. */
  readonly isPart: boolean;
  /** When it was last used, in milliseconds since the epoch. */
  readonly usedAt: number;
}

/** What would go; nothing has been removed. */
export interface PrunePlan {
  readonly rows: readonly PruneRow[];
  readonly kept: PruneKept;
  /** One by one, for {@link carryOutPrune}. */
  readonly items: readonly PruneItem[];
}

/** What has gone. Less than was planned when some of it was used meanwhile. */
export interface Pruned {
  readonly rows: readonly PruneRow[];
}
