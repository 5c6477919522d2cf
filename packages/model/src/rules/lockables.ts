/** What can be locked: with what it is to be made from, and the state of the lock that is there. */
import { basename } from 'node:path';
import { debianLockDifferences, lockDifferences, type DebianMadeFrom, type MadeFrom } from '@rebake/image/locks';
import type { Digest, Platform } from '@rebake/sdk';
import type { Loaded, LoadedDebianLock, LoadedPylock, Lockable } from '../contract.ts';
import { textInput } from '../expand/inputs.ts';
import { mirrorOf } from './debian.ts';
import type { BaseFacts, PackageFacts } from './facts.ts';
import type { LockStates, LockState } from './lock-state.ts';
import { requirementLines } from './packages.ts';
import type { KeyPath, Problems } from './problems.ts';

/** The Debian lock that another is put on top of. */
export interface Below {
  readonly file: string;
  /** Null: it is not there, or cannot be used. */
  readonly lock: LoadedDebianLock | null;
}

interface Wish {
  readonly of: string;
  readonly name: string;
  readonly file: string;
  readonly path: KeyPath;
  readonly required: boolean;
  readonly platform: Platform;
  readonly states: LockStates;
}

/** Python packages to be locked. */
export interface PythonWish extends Wish {
  readonly interpreter: string;
  readonly glibc: string;
  readonly packages: readonly PackageFacts[];
  /** Path of keys of the file with the versions that run today; null: a base, which has none. */
  readonly pins: KeyPath | null;
}

/** Debian packages to be locked. */
export interface DebianWish extends Wish {
  readonly base: BaseFacts;
  readonly suite: string;
  readonly packages: readonly string[];
  readonly under: Below | null;
}

/** Gathers them. */
export class Lockables {
  /** In the order in which they were looked at. */
  readonly all: Lockable[] = [];
  private readonly loaded: Loaded;
  private readonly problems: Problems;
  private readonly byFile = new Map<string, Lockable>();

  constructor(loaded: Loaded, problems: Problems) {
    this.loaded = loaded;
    this.problems = problems;
  }

  python(what: PythonWish): LockState<LoadedPylock> {
    const { loaded } = this;
    const { of, name, file, path, required, interpreter, platform, glibc, packages, pins, states } = what;
    const lock = loaded.locks.get(file);
    const wanted = once(() => madeFrom(interpreter, platform, glibc, packages));
    const judged = states.judge('python', file, lock, (found) => lockDifferences(wanted(), found.madeFrom));
    this.add(
      {
        kind: 'python',
        of,
        name,
        file,
        required,
        state: stateOf(judged),
        get at() {
          return loaded.locate(path);
        },
        get text() {
          return lock?.text() ?? null;
        },
        get wanted() {
          return wanted();
        },
        get requirements() {
          return requirementLines(packages);
        },
        get pins() {
          return pins === null ? [] : pinLines(loaded.texts.get(pins.join('.'))?.text ?? '');
        },
      },
      path,
    );
    return judged;
  }

  debian(what: DebianWish): LockState<LoadedDebianLock> {
    const { loaded } = this;
    const { of, name, file, path, required, base, suite, platform, packages, under, states } = what;
    const lock = loaded.locks.get(file);
    const wanted: DebianMadeFrom = {
      suite,
      architecture: architectureOf(platform),
      wanted: packages,
      below: under?.lock?.digest ?? null,
    };
    const judged = states.judge('debian', file, lock, (found) =>
      // What is below is told there; nobody knows yet what this is going to be on.
      debianLockDifferences(
        under !== null && under.lock === null ? { ...wanted, below: found.madeFrom.below } : wanted,
        found.madeFrom,
      ),
    );
    this.add(
      {
        kind: 'debian',
        of,
        name,
        file,
        required,
        state: stateOf(judged),
        suite,
        platform,
        packages,
        below: under?.file ?? null,
        mirror: mirrorOf(loaded, base),
        get at() {
          return loaded.locate(path);
        },
        get text() {
          return lock?.text() ?? null;
        },
      },
      path,
    );
    return judged;
  }

  /** Adds something that can be locked; two of them cannot have one file. */
  private add(lockable: Lockable, path: KeyPath): void {
    const other = this.byFile.get(lockable.file);
    if (other !== undefined && other.of !== lockable.of)
      this.problems.add(
        'NAME_COLLISION',
        path,
        `\`${other.of}\` and \`${lockable.of}\` both have the lock \`${basename(lockable.file)}\``,
        'Rename one of them, or give a code env a `lock` of its own.',
      );
    this.byFile.set(lockable.file, lockable);
    this.all.push(lockable);
  }
}

/** What `pip freeze` and DSS write also has other lines (paths, addresses, comments): they pin nothing here. */
function pinLines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => PIN.test(line));
}

const PIN = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?==[A-Za-z0-9.!+_-]+$/;

function madeFrom(interpreter: string, platform: Platform, glibc: string, packages: readonly PackageFacts[]): MadeFrom {
  const requirements: Record<string, Digest> = {};
  for (const { key, lines } of packages) {
    const [group, name = ''] = divided(key);
    requirements[group === 'packages' ? name : `--${name}`] = textInput(lines.join(' | ')).digest;
  }
  return { interpreter, platform, glibc, requirements };
}

function divided(key: string): string[] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}

function stateOf({ state }: LockState<unknown>): Lockable['state'] {
  return state === 'broken' ? 'outdated' : state;
}

/** Debian's name of a platform. */
export function architectureOf(platform: Platform): 'amd64' | 'arm64' {
  return platform === 'linux/amd64' ? 'amd64' : 'arm64';
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
