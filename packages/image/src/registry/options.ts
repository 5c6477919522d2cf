/** Options of the transfers of the registry client. */
import type { Platform } from '../types.ts';

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Bytes of blobs that are settled (sent, mounted or already there), of all. */
  onBytes?(done: number, total: number): void;
}

export interface UploadOptions extends CopyOptions {
  /** Repositories of the same registry that may hold some of the blobs: what they hold is mounted from there. */
  readonly mountFrom?: readonly string[];
  /** A larger blob is sent in pieces of so many bytes, and goes on with the piece where it broke. Default 32 MiB. */
  readonly chunkBytes?: number;
}

export interface DownloadOptions extends CopyOptions {
  /** Of an index only the image of this platform is fetched, besides the index itself. Default: all of its images. */
  readonly platform?: Platform;
}
