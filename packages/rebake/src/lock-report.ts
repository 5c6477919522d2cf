/** What locking is asked for, and what it says came out. */
import type { Upgrade } from '@rebake/lock';
import type { Lockable } from '@rebake/model';
import type { Diagnostic } from '@rebake/sdk';
import type { PackageChange } from './lock-changes.ts';
import type { ProjectOptions } from './project.ts';

/** What to lock, and how. */
export interface LockOptions extends ProjectOptions {
  /** Names of code envs and bases; empty or absent: everything. */
  readonly names?: readonly string[];
  /** What may move to a newer version. Default: nothing that need not. */
  readonly upgrade?: Upgrade;
  /** `check`: writes nothing and contacts nothing. */
  readonly mode?: 'write' | 'check';
  /** Told of each lock when it and those before it are done. */
  readonly onLock?: (report: LockReport) => void;
  /** Told of what takes long, a line each. */
  readonly onLog?: (line: string) => void;
}

/** How one lock came out. */
export interface LockReport {
  /** For people: `env/python/glm`, `base/python`. */
  readonly of: string;
  /** What a user types. */
  readonly name: string;
  readonly kind: 'python' | 'debian';
  /** Absolute path. */
  readonly file: string;
  /**
   * `current`: it was what is wanted, and nothing was looked up. `same`: it was made again, and is as it was. `missing`, `outdated`: a check found
   * it so. `failed`: see the diagnostics; the file is as it was.
   */
  readonly outcome: 'written' | 'same' | 'current' | 'missing' | 'outdated' | 'failed';
  /** Packages in it; of `failed`, `missing` and `outdated` 0. */
  readonly packages: number;
  /** Against the lock that was there, sorted by name. */
  readonly changes: readonly PackageChange[];
  /** Whether there was a lock before. */
  readonly first: boolean;
  /** Milliseconds that it took. */
  readonly ms: number;
}

/** What came out. */
export interface LockResult {
  /** False: there are errors among the diagnostics, or a check found something to do. */
  readonly ok: boolean;
  readonly interrupted: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** In the order of the declaration. */
  readonly locks: readonly LockReport[];
}

/** A part of the work. `again`: the declaration has to be read again for the rest. */
export interface LockPart {
  readonly result: LockResult;
  readonly again: boolean;
}

/** The report of a lock for which nothing was made. */
export function reportOf({ of, name, kind, file, text }: Lockable, outcome: LockReport['outcome']): LockReport {
  return { of, name, kind, file, outcome, packages: 0, changes: [], first: text === null, ms: 0 };
}
