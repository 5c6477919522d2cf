/** What locking is asked for, and what it needs of the machine. */
import type { Cache, Downloader, Env } from '@rebake/cache';
import type { DebianMirror, LockedPackage, MadeFrom } from '@rebake/image/locks';

/** What may move to a newer version: nothing that need not, everything, or some packages by name. */
export type Upgrade = 'nothing' | 'everything' | readonly string[];

/** What comes out of an attempt to lock: the whole text of the lock, or why there is none, in the resolver's words: nothing fits, or
 * it could not do its work. */
export type LockOutcome =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: 'unresolvable' | 'failed'; readonly words: string };

/** What a user, the machine and the declaration say about reaching package indexes. Values may hold logins: they go into environments of processes only. */
export interface IndexAccess {
  /** Content of a `pip.conf` that the declaration names; goes before the user's own. Null: none. */
  readonly pipConfig: string | null;
  /** PEM on top of the authorities of the machine; null: none. */
  readonly ca: Uint8Array | null;
  readonly proxy?: { readonly http?: string; readonly https?: string; readonly no?: string };
}

/** What locking needs of the machine. */
export interface LockMeans {
  readonly cache: Cache;
  readonly download: Downloader;
  readonly env: Env;
  readonly access: IndexAccess;
  readonly signal: AbortSignal;
  /** Where a Python comes from when the machine has none. Null: the machine's own mirror. */
  readonly mirror: DebianMirror | null;
  /** Told of what takes long, a line each, such as that uv is fetched. */
  readonly log: (line: string) => void;
}

/** How a source archive turns out when it is built. `unknown`: it could not be tried. */
export type SourceKind = 'pure' | 'compiles' | 'unknown';

/** Python packages to lock. */
export interface PythonLockRequest {
  readonly wanted: MadeFrom;
  /** Normalized lines, options first. They hold no login, no path and no variable. */
  readonly requirements: readonly string[];
  /** The lock that is there: its versions stay where they can. Null: none, or none that can be read. */
  readonly existing: string | null;
  /** Lines `name==version`: what a first lock takes where it fits; without effect where there is a lock, or packages are to be upgraded. */
  readonly pins?: {
    readonly lines: readonly string[];
    /** Told where they do not fit, and were left aside. */
    readonly onUnfit: () => void;
  };
  readonly upgrade: Upgrade;
  /** Finds out whether a package of which no wheel fits needs a compiler. */
  readonly source: (locked: LockedPackage, wanted: MadeFrom) => Promise<SourceKind>;
}

/** Debian packages to lock. */
export interface DebianLockRequest {
  readonly suite: string;
  readonly architecture: 'amd64' | 'arm64';
  readonly packages: readonly string[];
  /** Texts of the locks that it is put on top of, the nearest first; empty: a whole system. */
  readonly below: readonly string[];
  /** Null: the machine's. */
  readonly mirror: DebianMirror | null;
}
