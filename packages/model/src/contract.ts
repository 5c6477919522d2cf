/** What the declaration turns into: the hand-over from loading to expansion, and from expansion to the rest of rebake. */
import type { DebianMadeFrom, LockedDeb, LockedPackage, MadeFrom } from '@rebake/image/locks';
import type {
  BuildAccess,
  DebianMirror,
  Diagnostic,
  Digest,
  FileSet,
  Node,
  NodeId,
  Platform,
  RegistryAccess,
  Where,
} from '@rebake/sdk';
import type { DeclaredUse } from './plugin-host.ts';
import type { Config } from './schema.ts';

/** Text file named by a declaration: content without CR, and its digest. Absent files are diagnosed when loading. */
export interface LoadedText {
  readonly path: string;
  readonly text: string;
}

/**
 * A validated declaration with every file it names already read or hashed, so that expansion is a pure function of it.
 * Keys of `texts` and `sets` are the paths of keys in the declaration, such as `codeEnvs.glm.packages.file`.
 */
export interface Loaded {
  /** Absolute path of the config file; its folder is the root that no named file may leave. */
  readonly file: string;
  readonly root: string;
  readonly config: Config;
  /** Place of a value by its path of keys; of its nearest parent that has a place where it has none itself. */
  locate(path: readonly (string | number)[]): Where;
  readonly texts: ReadonlyMap<string, LoadedText>;
  readonly sets: ReadonlyMap<string, FileSet>;
  /** Release name → what `dss-version.json` of its kit says, where there is a kit with one. */
  readonly kitVersions: ReadonlyMap<string, string>;
  /** Locks beside the config, and those that it names, by absolute path. */
  readonly locks: ReadonlyMap<string, LoadedLock>;
}

/** A lock that was read. What counts of it is at hand; the rest is read when somebody asks. */
export type LoadedLock = LoadedPylock | LoadedDebianLock | BrokenLock;

/** One name of a lock: what of it counts, and its version for people. */
export interface LockCount {
  readonly name: string;
  readonly digest: Digest;
  readonly shown: string;
}

interface LoadedLockCommon {
  /** The text as it is in the file. */
  text(): string;
}

/** A lock of Python packages. */
export interface LoadedPylock extends LoadedLockCommon {
  readonly kind: 'python';
  /** Sorted by name, each once. */
  readonly counts: readonly LockCount[];
  readonly madeFrom: MadeFrom | null;
  /** Names of packages that have to be compiled. */
  readonly compiles: readonly string[];
  packages(): readonly LockedPackage[];
}

/** A lock of Debian packages. */
export interface LoadedDebianLock extends LoadedLockCommon {
  readonly kind: 'debian';
  /** Sorted by name, each once. */
  readonly counts: readonly LockCount[];
  readonly madeFrom: DebianMadeFrom;
  /** Of its packages: what a lock on top of it rests on. */
  readonly digest: Digest;
  packages(): readonly LockedDeb[];
}

/** What is no lock. */
export interface BrokenLock extends LoadedLockCommon {
  readonly kind: 'broken';
  readonly message: string;
  /** From 1. */
  readonly line: number;
}

/** What a run of (env or none, container config) uses; `rebake resolve` answers from it. */
export interface Binding {
  /** Name of the code env; null: runs without one use the base. */
  readonly env: string | null;
  readonly config: string;
  readonly publication: NodeId;
  /** The image that is published. */
  readonly image: NodeId;
  /** What a run pulls: `host[:port]/path/repository` of the pull side, or the engine's name where there is no registry. */
  readonly pullName: string;
  readonly tag: string;
}

/** Builder as declared: name → kind of a plugin, its options, and how many builds it runs at a time. */
export interface BuilderConfig {
  /** Path of keys where it stands. */
  readonly path: readonly string[];
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly parallel: number | null;
  /** Milliseconds that one build may take. */
  readonly timeoutMs: number | null;
}

/** The declaration as a graph. */
export interface Expansion {
  /** Parents before children. */
  readonly nodes: readonly Node[];
  readonly bindings: readonly Binding[];
  readonly registries: readonly RegistryAccess[];
  readonly builders: Readonly<Record<string, BuilderConfig>>;
  readonly access: BuildAccess;
  /** Proxies of images that have one of their own while they are built; they go before that of `access`. */
  readonly proxies: ReadonlyMap<NodeId, NonNullable<BuildAccess['proxy']>>;
  /** What is run before the first push into a repository. */
  readonly prePush: readonly PrePush[];
  /** Where the state is kept; null: in the file of rebake's own. */
  readonly state: DeclaredUse | null;
  /** Every declared code env by `NAME` or `NAME:VERSION`, also those that get no images; for `resolve`. */
  readonly envs: ReadonlyMap<string, EnvSummary>;
  /** Names of all declared container configs. */
  readonly configs: readonly string[];
  /** Of each image node, for people and for `resolve`. */
  readonly images: ReadonlyMap<NodeId, ImageFacts>;
  /** Everything that can be locked, in the order of the declaration, parents of Debian locks before what is on top of them. */
  readonly locks: readonly Lockable[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A pre-push hook, and the repositories that it is for. */
export interface PrePush {
  /** `host[:port]` that is pushed to. */
  readonly registry: string;
  /** Path of the registry as declared; empty: none. */
  readonly root: string;
  /** It is for this repository and those below it; empty: for all. The longest counts. */
  readonly under: string;
  readonly mode: 'none' | 'ecr' | 'acr' | 'custom';
  /** Absolute path, for `custom`. */
  readonly script: string | null;
}

/** Something whose packages a lock can pin: the packages of a code env or a base for one interpreter and platform, or Debian packages. */
export type Lockable = LockableCommon & (LockablePython | LockableDebian);

/** What both kinds of locks have. */
export interface LockableCommon {
  /** What it is for, for people: `env/python/glm`, `base/python`. */
  readonly of: string;
  /** What a user types to name it: `glm`, or `base-python` for a base. */
  readonly name: string;
  /** Absolute path of the lock, whether it is there or not. */
  readonly file: string;
  /** Where the packages are declared. */
  readonly at: Where;
  readonly state: 'fresh' | 'outdated' | 'missing';
  /** What is there now; null: nothing. */
  readonly text: string | null;
  /** Whether a missing or an outdated lock is an error. */
  readonly required: boolean;
}

/** Python packages. */
export interface LockablePython {
  readonly kind: 'python';
  readonly wanted: MadeFrom;
  /** Normalized lines, options first. */
  readonly requirements: readonly string[];
  /** Lines `name==version` of what runs today: a first lock takes these versions where they fit. Empty: nobody said. */
  readonly pins: readonly string[];
}

/** Debian packages. */
export interface LockableDebian {
  readonly kind: 'debian';
  readonly suite: string;
  readonly platform: Platform;
  /** Names that are wanted, sorted, each once; of a whole system without the essential ones. */
  readonly packages: readonly string[];
  /** Absolute path of the lock of what it is put on top of; null: it is a whole system. */
  readonly below: string | null;
  /** Null: the machine's. */
  readonly mirror: DebianMirror | null;
}

/** What people group and filter by. */
export interface ImageFacts {
  readonly type: 'base' | 'env';
  readonly name: string;
  readonly release: string | null;
  readonly platform: Platform;
  readonly language?: 'python' | 'r';
  readonly jupyter?: boolean;
}

/** A code env, or one version of one, as declared. */
export interface EnvSummary {
  readonly name: string;
  readonly language: 'python' | 'r';
  readonly jupyter: boolean;
  /** Declared container configs that it is selected for, also those that have problems of their own. */
  readonly configs: readonly string[];
  /** Code of the first diagnostic that keeps it from getting images; null when nothing does. */
  readonly refused: string | null;
}
