/** Whether a lock is what would be locked now, told once for everything that belongs together. */
import { basename } from 'node:path';
import type { LoadedLock } from '../contract.ts';
import { listed } from '../names.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Whose locks these are. */
export interface LockOwner {
  /** In a sentence: ``The code env `glm` ``. */
  readonly words: string;
  /** What a user types after `rebake lock`. */
  readonly name: string;
  readonly path: KeyPath;
  readonly required: boolean;
}

/** A lock of a kind, or why there is none to go by. */
export type LockState<L> =
  | { readonly state: 'fresh' | 'outdated'; readonly lock: L }
  | { readonly state: 'missing' | 'broken'; readonly lock: null };

/** The locks of one owner, and what is wrong with them. */
export class LockStates {
  /** Whether images can be made with them. */
  sound = true;
  private readonly owner: LockOwner;
  private readonly missing: string[] = [];
  private readonly outdated: string[] = [];
  private readonly broken: { readonly file: string; readonly line: number; readonly message: string }[] = [];

  constructor(owner: LockOwner) {
    this.owner = owner;
  }

  /** Judges one of them. `differences`: of what it was made from to what is wanted, in words. */
  judge<K extends 'python' | 'debian'>(
    kind: K,
    file: string,
    lock: LoadedLock | undefined,
    differences: (lock: Extract<LoadedLock, { kind: K }>) => readonly string[],
  ): LockState<Extract<LoadedLock, { kind: K }>> {
    if (lock === undefined) {
      this.missing.push(file);
      this.sound &&= !this.owner.required;
      return { state: 'missing', lock: null };
    }
    if (lock.kind !== kind) {
      const { message, line } =
        lock.kind === 'broken'
          ? lock
          : { message: `it holds ${lock.kind === 'debian' ? 'Debian' : 'Python'} packages`, line: 1 };
      this.broken.push({ file, line, message });
      this.sound = false;
      return { state: 'broken', lock: null };
    }
    const found = lock as Extract<LoadedLock, { kind: K }>;
    const words = differences(found);
    if (words.length === 0) return { state: 'fresh', lock: found };
    this.outdated.push(`\`${basename(file)}\` of ${this.owner.words} is out of date: ${words.join(', ')}`);
    this.sound &&= !this.owner.required;
    return { state: 'outdated', lock: found };
  }

  /** Notes what is wrong: each kind once. */
  tell(problems: Problems): void {
    const { words, name, path, required } = this.owner;
    const help = `Run \`rebake lock ${name}\`.`;
    const files = listed(this.missing.map((file) => basename(file)));
    if (required && this.missing.length > 0)
      problems.add('LOCK_MISSING', path, `${sentence(words)} needs a lock, and there is no ${files}`, help);
    if (this.outdated.length > 0)
      problems.add('LOCK_OUTDATED', path, sentence(this.outdated.join('; ')), help, required ? 'error' : 'warning');
    for (const { file, line, message } of this.broken)
      problems.addAt(
        'LOCK_INVALID',
        { file, line, column: 1, path: path.join('.') },
        `\`${basename(file)}\` of ${words} cannot be used: ${message}`,
        help,
      );
  }
}

/** With a capital letter first. */
export function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
