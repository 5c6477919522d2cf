/** What the cache of a machine offers. */
import type { BlobSink, BlobSource, Digest, ExpectedBlob } from '@rebake/image';

/** A value that can be kept: JSON. */
export type Fact = null | boolean | number | string | readonly Fact[] | { readonly [key: string]: Fact };

/** A blob that is being written, whose digest nobody knows yet. */
export interface CacheWriter {
  append(bytes: Uint8Array): Promise<void>;
  /** Stores it; once more is fine. Rejects with `BLOB_MISMATCH` when it is not what was expected. The writer has then ended, too. */
  commit(expected?: Partial<ExpectedBlob>): Promise<Required<ExpectedBlob>>;
  /** Ends it and removes what was written. Nothing happens after `commit`. */
  abort(): Promise<void>;
}

/** What is derived from what: how it is called, and the blobs without which it is worth nothing. */
export interface Derived<T extends Fact> {
  readonly value: T;
  readonly blobs: readonly Digest[];
}

/**
 * Blobs by digest and what was derived from them, shared by all projects of a user on a machine, for any number of processes at once. A
 * process may be killed at any moment: a blob is there whole or not at all, and a fact is there only while its blobs are. What is used within a
 * run is not pruned while that run lasts. Failures are `BuildFailure`s: `CACHE_UNUSABLE`, `CACHE_FULL`, `BLOB_MISSING`, `BLOB_MISMATCH`.
 */
export interface Cache extends BlobSource, BlobSink {
  /** Absolute path. */
  readonly dir: string;
  /** Path of a blob that is there, to be read or linked to, never written. */
  path(digest: Digest): string;
  /** Begins a blob. */
  begin(): Promise<CacheWriter>;
  /** What was kept under a kind and a key, if all of its blobs are there. Asking marks it and its blobs as used. */
  recall<T extends Fact>(kind: string, key: string): Promise<T | null>;
  keep<T extends Fact>(kind: string, key: string, derived: Derived<T>): Promise<void>;
  /**
   * What is kept, or what `make` makes and is then kept. Asked several times at once within this process, it is made once; `signal` ends the
   * waiting of one asker, and the making when all have gone. A failure is not kept.
   */
  once<T extends Fact>(
    kind: string,
    key: string,
    make: (signal: AbortSignal) => Promise<Derived<T>>,
    signal: AbortSignal,
  ): Promise<T>;
  /** Rejects with `CACHE_FULL`, in numbers, when the disk has not so many bytes left. */
  room(bytes: number): Promise<void>;
  /** A folder of this process's own below the cache, for what has to be files for a while; swept when the process is gone. */
  scratch(): Promise<string>;
  close(): Promise<void>;
}

/** Variables of the process, as the caller has them. */
export type Env = Readonly<Record<string, string | undefined>>;
