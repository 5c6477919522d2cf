/** Options and results of the transfers of the registry client. */
import type { Digest, Platform } from '../types.ts';

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Bytes of blobs that are settled (sent, mounted or already there), of all. */
  onBytes?(done: number, total: number): void;
}

export interface UploadOptions extends CopyOptions {
  /**
   * Repositories of the same registry that may hold some of the blobs: what they hold is mounted from there. Where this client itself saw or put
   * a blob in another repository, it need not be told.
   */
  readonly mountFrom?: readonly string[];
  /** A larger blob is sent in pieces of so many bytes, and goes on with the piece where it broke. Default 32 MiB. */
  readonly chunkBytes?: number;
}

export interface DownloadOptions extends CopyOptions {
  /** Of an index only the image of this platform is fetched, besides the index itself. Default: all of its images. */
  readonly platform?: Platform;
}

/** Bytes of blobs, each counted once: sent over the network, mounted from another repository of the registry, or there already. */
export interface SentBytes {
  readonly uploaded: number;
  readonly mounted: number;
  readonly skipped: number;
}

/** What is in the registry now, and what it took. Manifests are not counted. */
export interface Sent {
  readonly digest: Digest;
  readonly bytes: SentBytes;
}
