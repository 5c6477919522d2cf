/** What locks pin: files by digest. Addresses are facts of the machine that wrote a lock, and count in no fingerprint. */
import type { Digest } from '../content-address.ts';
import type { Platform } from '../platform.ts';

/** One file that a package manager may install. */
export interface LockedFile {
  /** File name, such as `six-1.17.0-py2.py3-none-any.whl`. No path. */
  readonly name: string;
  /** Where it was found when the lock was made; never holds a login. */
  readonly url: string;
  /** In bytes, where the lock says it. */
  readonly size: number | null;
  readonly digest: Digest;
}

/** One Python package of a lock, at one version. */
export interface LockedPackage {
  /** Normalized: lower case, one `-` where the index has `-`, `_` or `.`. */
  readonly name: string;
  /** Null for an archive by address whose version nobody knows. */
  readonly version: string | null;
  /** Condition for installing it, as PEP 508 writes it; null: always. */
  readonly marker: string | null;
  /** Whether it was asked for by the address of its archive, not by version. It then has exactly one file. */
  readonly direct: boolean;
  readonly wheels: readonly LockedFile[];
  readonly sdist: LockedFile | null;
}

/** One Debian package, pinned. */
export interface LockedDeb {
  readonly name: string;
  /** Debian's version, epoch included. */
  readonly version: string;
  /** `amd64`, `arm64` or `all`. */
  readonly architecture: string;
  /** Path below the root of a mirror, such as `pool/main/b/bash/bash_5.2.15-2+b8_amd64.deb`. */
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
}

/** Where Debian packages come from: a fact of the machine. */
export interface DebianMirror {
  /** Address of the archive without the trailing slash; `dists/` and `pool/` are below it. */
  readonly url: string;
  /** Address of the archive with security updates, where the suite has one. */
  readonly security?: string;
  /** Absolute path of the keyring that signs its index. Default: Debian's own on this machine. */
  readonly keyring?: string;
  /** Components whose packages may be taken. Default: `main` alone. */
  readonly components?: readonly string[];
}

/** What a Python lock was made from. It is up to date while this is what would be locked now. */
export interface MadeFrom {
  /** Such as `3.11`. */
  readonly interpreter: string;
  readonly platform: Platform;
  /** The version of glibc that wheels may need, such as `2.36`. */
  readonly glibc: string;
  /** What was asked for: normalized name (of an option its flag, such as `--pre`) → digest of its normalized lines. */
  readonly requirements: Readonly<Record<string, Digest>>;
}

/** A `pylock.NAME.toml`, read. */
export interface Pylock {
  /** In the order of the file, which is that of names. A name may stand there several times, for different markers. */
  readonly packages: readonly LockedPackage[];
  /** Null: somebody else made it. */
  readonly madeFrom: MadeFrom | null;
  /** Names of packages of which only a source distribution fits, and which need a compiler. Sorted. */
  readonly compiles: readonly string[];
}

/** What a Debian lock was made from. */
export interface DebianMadeFrom {
  /** Such as `bookworm`. */
  readonly suite: string;
  readonly architecture: 'amd64' | 'arm64';
  /** What was asked for, as apt takes it (`NAME`, `NAME=VERSION`), sorted, each once. */
  readonly wanted: readonly string[];
  /** {@link DebianLock} that it is put on top of, as `debianLockDigest` says it; null: it is a whole system. */
  readonly below: Digest | null;
}

/** A `debian.NAME.lock.json`, read. */
export interface DebianLock {
  /** Sorted by name and architecture. */
  readonly packages: readonly LockedDeb[];
  readonly madeFrom: DebianMadeFrom;
}

/** A lock, or what is wrong with the text of one. `line` counts from 1. */
export type ParsedLock<T> =
  | { readonly ok: true; readonly lock: T }
  | { readonly ok: false; readonly message: string; readonly line?: number };
