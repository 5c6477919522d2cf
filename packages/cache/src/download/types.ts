/** What fetching files from other machines offers, and what it needs to know. */
import type { Digest } from '@rebake/image';
import type { Env } from '../types.ts';

/** A file somewhere else, known by its digest. */
export interface Download {
  /** `http:`, `https:` or `file:`. */
  readonly url: string;
  readonly digest: Digest;
  /** In bytes; more is not read. Null or absent: not known. */
  readonly size?: number | null;
  /** For people: `pandas-2.2.3-cp311-….whl`. */
  readonly name: string;
}

/** How a small document is asked for. */
export interface DocumentOptions {
  /** More is a failure. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Fetches over HTTP, and takes files of this machine, for any number of callers at once. Failures are `BuildFailure`s: `DOWNLOAD_FAILED`,
 * `DOWNLOAD_REFUSED` (401, 403, 404 and the like), `BLOB_MISMATCH`, and those of the cache. No words of them hold a login.
 */
export interface Downloader {
  /**
   * Brings a file into the cache, checked; nothing is asked when it is there. What passes is tried again, with pauses, and goes on where it
   * stopped. `onBytes`: bytes so far; it starts again at a smaller number when the other side starts again. The same digest asked for several
   * times at once is fetched once.
   */
  blob(what: Download, signal: AbortSignal, onBytes?: (done: number) => void): Promise<void>;
  /** A small document whose digest nobody knows (an index); null when there is none (404, 410). It is not kept. */
  document(url: string, options: DocumentOptions): Promise<Uint8Array | null>;
  /** Lets go of all connections. */
  close(): Promise<void>;
}

/** A login for an address. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** How this machine reaches others. */
export interface DownloadAccess {
  /** `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS`; lower case goes first. */
  readonly env: Env;
  /** PEM on top of the system's authorities; null: none. */
  readonly ca: Uint8Array | null;
  /** Goes before the variables, each by itself. */
  readonly proxy?: { readonly http?: string; readonly https?: string; readonly no?: string };
  /** Login for an address, from wherever the user keeps it; null: none. Sent to the origin of that address only, never over a redirect to another. */
  readonly login: (url: URL) => Promise<Login | null>;
}
