/**
 * Images as data: what an image is made of, where it is, and what was seen of it.
 * Nothing here knows DSS or Docker; paths, names and users are parameters.
 */

import type { Digest } from './content-address.ts';
import type { DebianMirror, LockedDeb, LockedPackage } from './locks/types.ts';

export type { Digest } from './content-address.ts';
export type { Platform } from './platform.ts';

/** One file of a {@link FileSet}. `path` is relative to the set's root, POSIX, NFC. */
export interface FileEntry {
  readonly path: string;
  readonly digest: Digest;
  readonly exec: boolean;
  /** Where it lies below the root, if not at `path`: for files that a build sees under another path. Only `fragment` steps have such. */
  readonly from?: string;
}

/**
 * Files of the machine, named by content. `root` is absolute and a fact of this machine: it never counts in a
 * fingerprint. Whoever sends the files hashes them again: a mismatch is `INPUT_MOVED`.
 */
export interface FileSet {
  readonly root: string;
  readonly files: readonly FileEntry[];
}

/**
 * What a package manager installs: exactly the files of a lock, or normalized requirement lines that it resolves itself. `glibc`: the version
 * (`2.36`) that wheels of the lock may need.
 */
export type Packages =
  | { readonly locked: readonly LockedPackage[]; readonly glibc: string }
  | { readonly requirements: readonly string[] };

/** Family of the distribution in a base: decides between apt and dnf. */
export type Family = 'debian' | 'rhel';

/**
 * One engine-neutral build step. A builder lists the `name@version`s it knows ({@link STEP_VERSIONS}); an unknown step is
 * refused when planning.
 */
export type Step =
  /** The whole root file system from one tar archive: `files` holds exactly that file. Always first; there is no parent then. */
  | { readonly step: 'rootfs'; readonly files: FileSet }
  /** The image of an OCI image layout or of an archive (OCI or `docker save`), whose files these are. Always first. `name` picks one of several. */
  | { readonly step: 'layout'; readonly files: FileSet; readonly name: string | null }
  /**
   * Debian packages as they are in a lock: all that are missing, in any order. First, they make the whole root file system; else they are added
   * to a parent that has Debian packages.
   */
  | {
      readonly step: 'debian';
      readonly suite: string;
      readonly packages: readonly LockedDeb[];
      /** Null: the machine's. */
      readonly mirror: DebianMirror | null;
    }
  /**
   * A user's whole Dockerfile. Always first. `froms` lists the references of its FROM and COPY --from lines that are neither stages nor
   * `scratch`, as written; the job pins each to a digest.
   */
  | { readonly step: 'dockerfile'; readonly text: string; readonly files: FileSet; readonly froms: readonly string[] }
  /** Instructions of a user, put between other steps as they are; no FROM in them. `place` names it for people. */
  | { readonly step: 'fragment'; readonly place: string; readonly text: string; readonly files: FileSet }
  | { readonly step: 'system-packages'; readonly family: Family; readonly names: readonly string[] }
  /** A user with its group and home (mode 775, group 0, so that arbitrary uids with gid 0 can write). */
  | { readonly step: 'user'; readonly name: string; readonly uid: number; readonly gid: number; readonly home: string }
  /** A virtual environment at `prefix` made by `interpreter` (such as `3.11`) of the image, with packages in it. */
  | {
      readonly step: 'python-env';
      readonly prefix: string;
      readonly interpreter: string;
      readonly packages: Packages;
      readonly bytecode: boolean;
    }
  | {
      readonly step: 'r-packages';
      readonly library: string;
      readonly from: 'cran' | 'debian';
      readonly names: readonly string[];
    }
  /** A symbolic link `name` in the folder `folder` (which is there or is made) that leads to `target`; it takes the place of what was there. */
  | { readonly step: 'link'; readonly folder: string; readonly name: string; readonly target: string }
  | { readonly step: 'copy'; readonly files: FileSet; readonly to: string; readonly owner: string }
  /** Runs argv (no shell) as root in `workdir`. `files` can be read below `mount` while it runs, and are not in the image afterwards. */
  | {
      readonly step: 'run';
      readonly files: FileSet;
      readonly mount: string;
      readonly workdir: string;
      readonly argv: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  /**
   * An image that another system makes when it is asked; always alone. `kind` says which request it is, such as `dss/code-env-images`, and only builders
   * that know it can carry it out. `at`: where that system puts the image, as far as that is known.
   */
  | {
      readonly step: 'delegate';
      readonly kind: string;
      readonly request: Readonly<Record<string, string>>;
      readonly at: readonly ImagePlace[];
    };

/** Where another system puts an image. */
export interface ImagePlace {
  /** `host[:port]`; null: the engine of that system. */
  readonly registry: string | null;
  readonly repository: string;
  /** Null: one that it chooses itself. */
  readonly tag: string | null;
}

/** Versions of the steps as this kernel writes them; raised when the meaning of a step's fields changes. */
export const STEP_VERSIONS = {
  rootfs: 1,
  layout: 1,
  debian: 1,
  dockerfile: 1,
  fragment: 1,
  'system-packages': 1,
  user: 1,
  'python-env': 2,
  'r-packages': 1,
  link: 1,
  copy: 1,
  run: 1,
  delegate: 1,
} as const satisfies Record<Step['step'], number>;

/** Whether an image can begin with this step, without a parent; all but `debian` are always first. */
export function bringsGround({ step }: Step): boolean {
  return step === 'rootfs' || step === 'layout' || step === 'dockerfile' || step === 'debian';
}

/** Steps on top of a parent (or of a first step that brings its own ground), and the config of the image. */
export interface ImageSpec {
  readonly steps: readonly Step[];
  /** Environment of the finished image. While steps run, only `buildEnv` is set on top of the parent's. */
  readonly env: Readonly<Record<string, string>>;
  /** Environment while steps run; overridden or emptied again by `env` in the finished image. */
  readonly buildEnv?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workdir?: string;
  readonly entrypoint?: readonly string[];
}

/** A place where an image is. `registry` is `host[:port]`, `engine` the id that a builder gives in its capabilities. */
export type Location =
  | { readonly registry: string; readonly repository: string; readonly manifest: Digest }
  | { readonly engine: string; readonly name: string };

/** An image: its identity (config digest, the engine's image ID) and the places where it is known to be. */
export interface Output {
  readonly identity: Digest;
  readonly at: readonly Location[];
}

/** A failure at an engine or a registry. `words` are the engine's own and already redacted; `retry` says whether trying again can help. */
export interface BuildError {
  /** Stable, upper snake case, listed in docs/reference/diagnostics.md. */
  readonly code: string;
  readonly retry: 'never' | 'backoff' | 'elsewhere';
  readonly words: string;
}

const FAILURE: unique symbol = Symbol.for('rebake.BuildFailure');

/** The exception that carries a {@link BuildError} through promises. Anything else thrown is a bug. */
export class BuildFailure extends Error {
  /** Known by its mark: a plugin may bring a copy of this package, whose failures are failures as well. */
  static override [Symbol.hasInstance](value: unknown): value is BuildFailure {
    return typeof value === 'object' && value !== null && FAILURE in value;
  }

  readonly [FAILURE] = true;
  readonly error: BuildError;
  constructor(error: BuildError, options?: ErrorOptions) {
    super(`${error.code}: ${error.words}`, options);
    this.name = 'BuildFailure';
    this.error = error;
  }
}

/** An observation of the world: yes, no, or unknown with the reason. Unknown is never taken for no. */
export type Seen<T> =
  | { readonly seen: 'yes'; readonly value: T }
  | { readonly seen: 'no' }
  | { readonly seen: 'unknown'; readonly why: BuildError };

/** How to reach one registry; a fact of the machine, never part of a fingerprint. */
export interface RegistryAccess {
  /** `host[:port]`, as in a reference. */
  readonly host: string;
  /** PEM bundle that is trusted for this host, next to the system's. Absolute path. */
  readonly ca?: string;
  /** Plain HTTP. Loopback addresses are tried without TLS anyway, as Docker does. */
  readonly insecure?: boolean;
  /** Requests at once, at least 1. A registry that answers 429 is left alone for as long as it asks, by all requests. */
  readonly atOnce?: number;
}

/** Login for one registry, as Docker's config has it. `identityToken` is an OAuth refresh token. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly identityToken: string };
