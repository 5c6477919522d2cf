/** What a session needs of a store of blobs, on either side of a build. The image layout of `@rebake/image` is one. */
import type { BlobRange, BlobWriter, Digest, WriteStatus } from '@rebake/image';

/** Blobs that a daemon may read. */
export interface ContentSource {
  /** Size of a blob that is there, else null. */
  has(digest: Digest): Promise<number | null>;
  /** The bytes, not checked against the digest: the daemon does that. */
  read(digest: Digest, range?: BlobRange): AsyncIterable<Uint8Array>;
}

/** Where a daemon may put blobs: it asks for each whether it is there, and writes those that are not. */
export interface ContentTarget extends ContentSource {
  /** Begins or goes on with a write; rejects with `BLOB_BUSY` while another writer has that ref. */
  beginWrite(ref: string): Promise<BlobWriter>;
  /** The writes that have begun and not ended. */
  writes(): readonly WriteStatus[];
  /** Ends a write by its ref. False when there is none. */
  abortWrite(ref: string): Promise<boolean>;
}
