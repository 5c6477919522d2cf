/** What happens during an apply, as one union. Reporters only consume it; `--json` prints it as it is, one event a line. */
import type { BuildError, Digest, SentBytes } from '@rebake/image';
import type { NodeId } from './node.ts';
import type { ClaimNote, Effort, Reason } from './plan.ts';

/** What a builder reports while it works. `index` counts from 1; bytes are integers. */
export type Progress =
  | { readonly type: 'step'; readonly index: number; readonly of?: number; readonly name: string }
  | { readonly type: 'log'; readonly text: string }
  | { readonly type: 'bytes'; readonly done: number; readonly of?: number }
  /** What a finished push or copy took: bytes of blobs that were uploaded, mounted within the registry, or there already. */
  | ({ readonly type: 'sent' } & SentBytes);

/** How a node ended in a run. */
export type Outcome =
  | 'kept'
  | 'adopted'
  | 'fetched'
  | 'built'
  | 'published'
  | 'forgotten'
  | 'deleted'
  | 'failed'
  | 'skipped'
  | 'cancelled';

/** Counts of outcomes at the end of a run. */
export type Counts = Readonly<Record<Outcome, number>>;

interface Stamp {
  readonly formatVersion: 1;
  readonly run: string;
  /** Rises by one with each event of a run. */
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
}

/** The part of an event that says what happened; the engine adds run, seq and time. */
export type EventBody =
  | { readonly type: 'run-started'; readonly plan: Digest; readonly actions: number; readonly parallelism: number }
  | {
      readonly type: 'node-started';
      readonly node: NodeId;
      readonly effort: Effort;
      readonly reasons: readonly Reason[];
      readonly builder: string | null;
      readonly expectedMs: number | null;
    }
  | { readonly type: 'node-progress'; readonly node: NodeId; readonly progress: Progress }
  | {
      readonly type: 'node-retry';
      readonly node: NodeId;
      readonly attempt: number;
      readonly error: BuildError;
      readonly inMs: number;
    }
  | {
      readonly type: 'node-settled';
      readonly node: NodeId;
      readonly outcome: Outcome;
      readonly ms: number;
      readonly identity: Digest | null;
      /** For `failed` and `cancelled`. */
      readonly error?: BuildError;
      /** For `adopted`: what is said of an image that somebody else has made. */
      readonly claim?: ClaimNote;
      /** For `skipped`: the failed node that is the cause. */
      readonly cause?: NodeId;
      /** Path of the log file, when one was written. */
      readonly log?: string;
      /** Bytes that its pushes and copies took, where its builder tells. */
      readonly sent?: SentBytes;
    }
  | {
      readonly type: 'run-finished';
      readonly counts: Counts;
      readonly ms: number;
      readonly interrupted: boolean;
      /** The sum over all nodes. */
      readonly sent?: SentBytes;
    };

/** One event of a run. */
export type Event = Stamp & EventBody;
