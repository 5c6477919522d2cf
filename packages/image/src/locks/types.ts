/** What locks pin: files by digest. Addresses are facts of the machine that wrote a lock, and count in no fingerprint. */
import type { Digest } from '../content-address.ts';

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
}
