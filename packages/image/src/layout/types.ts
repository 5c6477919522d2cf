/**
 * What an image layout on disk offers: content by digest, written by many processes at once, and names for it. The registry client takes
 * the two narrow ends of it, so that whoever has blobs elsewhere can send and receive them too.
 */
import type { Descriptor, ImageConfig } from '../oci/documents.ts';
import type { Digest, Platform } from '../types.ts';

/** A part of a blob, in bytes. Default: all of it. What lies behind its end is empty. */
export interface BlobRange {
  readonly offset?: number;
  readonly length?: number;
}

/** A blob as it is expected. */
export interface ExpectedBlob {
  readonly digest: Digest;
  readonly size?: number;
}

/** Where blobs are read from. */
export interface BlobSource {
  /** The bytes, not checked against the digest. Iterating rejects with a `BuildFailure` `BLOB_MISSING` when there is no such blob. */
  read(digest: Digest, range?: BlobRange): AsyncIterable<Uint8Array>;
}

/** Where blobs are written to. */
export interface BlobSink {
  /** Size of a blob that is there, else null. */
  has(digest: Digest): Promise<number | null>;
  /**
   * Stores a blob, checked while it is written; nothing is read from `bytes` when it is there. Rejects with a `BuildFailure`
   * `BLOB_MISMATCH` when the bytes are others, and with whatever `bytes` throws; nothing is stored then.
   */
  write(expected: ExpectedBlob, bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

/** A blob that is being written. Calls are carried out one after the other. After a failed `append` only `restart` and `abort` go on. */
export interface BlobWriter {
  readonly ref: string;
  /** Bytes written so far. */
  readonly offset: number;
  /** Digest of what has been written so far. */
  digest(): Digest;
  append(bytes: Uint8Array): Promise<void>;
  /** Forgets what has been written; `offset` is 0 again. */
  restart(): Promise<void>;
  /**
   * Stores what was written as a blob, durably, and ends the writer. Rejects with `BLOB_MISMATCH` when it is not what was expected; the
   * writer has ended then, too.
   */
  commit(expected?: { readonly digest?: Digest; readonly size?: number }): Promise<{ digest: Digest; size: number }>;
  /** Lets go of it: `beginWrite` with the same ref goes on where it was. Nothing happens after `commit` or `abort`. */
  close(): Promise<void>;
  /** Ends it and removes what was written. Nothing happens after `commit`. */
  abort(): Promise<void>;
}

/** A write that has begun and has not ended. Times in milliseconds since the epoch. */
export interface WriteStatus {
  readonly ref: string;
  readonly offset: number;
  readonly startedAt: number;
  readonly updatedAt: number;
  /** Whether a writer has it at this moment. */
  readonly isOpen: boolean;
}

/** An image of a layout, all of whose parts are there. */
export interface StoredImage {
  /** Digest of the config. */
  readonly identity: Digest;
  /** The image's own manifest, also where an index was named. */
  readonly manifest: Descriptor;
  /** The lowest first, as in `config.diffIds`. */
  readonly layers: readonly Descriptor[];
  readonly config: ImageConfig;
}

/** What a sweep removed. `bytes`: what both free; a blob that has another name elsewhere frees nothing. */
export interface Swept {
  readonly blobs: number;
  /** Leftovers of writers that were killed. */
  readonly temporaries: number;
  readonly bytes: number;
}

export interface SweepOptions {
  readonly olderThanMs: number;
  readonly unname?: readonly string[];
  readonly dryRun?: boolean;
}

/**
 * An OCI image layout as a store, for any number of processes of one machine at once. A process may be killed at any moment: a blob is there
 * whole or not at all, and so is a name. Failures are `BuildFailure`s: `LAYOUT_INVALID`, `LAYOUT_UNUSABLE`, `LAYOUT_FULL`, `LAYOUT_BUSY`,
 * `BLOB_MISSING`, `BLOB_MISMATCH`, `BLOB_BUSY`, `NAME_INVALID`, `REFERENCE_INVALID` (a digest that is none), `PLATFORM_MISSING`.
 */
export interface Layout extends BlobSource, BlobSink {
  /** Absolute path. */
  readonly dir: string;
  /** Identity of this store: random, made with it, never changed. A copy of the directory has the same. */
  id(): Promise<string>;
  /**
   * Size of a blob that is there, else null. What is there is then safe from a sweep for the age that the sweep is given, as if it had just
   * been written.
   */
  has(digest: Digest): Promise<number | null>;
  /** A small blob, whole and checked against its digest. Rejects with `LAYOUT_INVALID` when it has more than `maxBytes`. */
  readDocument(digest: Digest, maxBytes: number): Promise<Uint8Array>;
  /**
   * Begins or goes on with a write of this process. `ref` is any text that names it. Rejects with `BLOB_BUSY` (worth a second try) while
   * another writer has it. What a killed process had begun is not gone on with.
   */
  beginWrite(ref: string): Promise<BlobWriter>;
  /**
   * Takes a blob from a file of this machine that nobody writes to: as another name of the same file, or as a copy where the file system does
   * not allow that. Nothing happens when it is there. The content is believed, the size (where it is expected) is checked: `BLOB_MISMATCH`.
   * Rejects with `BLOB_MISSING` when there is no such file.
   */
  link(expected: ExpectedBlob, path: string): Promise<void>;
  /** The writes of this process that have begun and not ended. */
  writes(): readonly WriteStatus[];
  /** Ends a write by its ref, whoever has it. False when there is none. */
  abortWrite(ref: string): Promise<boolean>;
  /**
   * Gives a manifest or index a name, or moves the name to it. All that it refers to has to be there (of an index: at least one image),
   * else it rejects with `BLOB_MISSING`.
   */
  name(name: string, target: Descriptor): Promise<void>;
  /** What a name leads to, else null. */
  resolve(name: string): Promise<Descriptor | null>;
  /** Takes a name away, whatever it leads to. False when there is none. */
  unname(name: string): Promise<boolean>;
  names(): Promise<ReadonlyMap<string, Descriptor>>;
  /**
   * The image behind a name or a manifest's digest, for indexes that of the platform (or the only one, attestations aside). Null when the
   * name, the manifest or any part of it is not there; rejects with `PLATFORM_MISSING` when the index has no image for the platform.
   */
  image(reference: string, platform?: Platform): Promise<StoredImage | null>;
  /**
   * Removes blobs that nothing in `index.json` reaches, and leftovers of writers, once neither written nor asked for (`has`) since
   * `olderThanMs`. That has to be longer than from writing a blob to naming its image: an hour, say. Less than a minute is for a store that
   * nobody else writes to.
   *
   * `unname`: names to be taken away first, in the same moment. With `dryRun` it only says what it would remove.
   */
  sweep(options: SweepOptions): Promise<Swept>;
}

export interface LayoutOptions {
  /** How long to wait for another process that changes names, in milliseconds, before `LAYOUT_BUSY`. Default: a minute. */
  readonly patienceMs?: number;
}
