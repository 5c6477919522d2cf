/** What looking at locks has in common for bases and code envs. */
import type { Platform } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import { listed } from '../names.ts';
import type { BuildersFacts } from './builders.ts';
import type { BaseFacts } from './facts.ts';
import { glibcOfDeb } from './glibc.ts';
import { sentence } from './lock-state.ts';
import { Lockables, type Below } from './lockables.ts';
import { pinsKey, type Pins } from './pins.ts';
import type { KeyPath, Problems } from './problems.ts';

/** What is known while the locks of a declaration are looked at. */
export class LockWork {
  readonly loaded: Loaded;
  readonly builders: BuildersFacts;
  readonly problems: Problems;
  readonly lockables: Lockables;
  /** By {@link pinsKey}. */
  readonly pins = new Map<string, Pins>();
  /** Debian locks of bases, sound or not: what is below. */
  readonly below = new Map<string, Below>();
  /** Bases on platforms that are published in a registry. */
  readonly published: ReadonlySet<string>;

  constructor(loaded: Loaded, builders: BuildersFacts, published: ReadonlySet<string>, problems: Problems) {
    this.loaded = loaded;
    this.builders = builders;
    this.published = published;
    this.problems = problems;
    this.lockables = new Lockables(loaded, problems);
  }

  /** Whether a missing or outdated lock is an error: `named` is the lock that the declaration names. */
  isRequired(builder: string, named: string | null): boolean {
    return named !== null || this.builders.isLocking(builder) || this.loaded.config.locks === 'required';
  }

  /** Version of glibc in a base: as declared, by its Debian lock, or guessed. */
  glibc(base: BaseFacts, platform: Platform): string {
    if (base.glibc.from === 'declared') return base.glibc.version;
    let root = base;
    while (root.parent !== null) root = root.parent;
    const libc = this.below.get(pinsKey(root, platform))?.lock?.counts.find(({ name }) => name === 'libc6');
    return (libc === undefined ? null : glibcOfDeb(libc.shown)) ?? base.glibc.version;
  }

  /** Notes that something has to be compiled, and nothing can. */
  tellCompiler(words: string, path: KeyPath, packages: ReadonlySet<string>): void {
    this.problems.add(
      'LOCK_NEEDS_COMPILER',
      path,
      `${sentence(words)} has packages that have to be compiled, which its builder cannot: ${listed([...packages])}`,
    );
  }
}

/** What tells several locks of one name apart; null: nothing does. */
export function joined(parts: readonly (string | null)[]): string | null {
  const said = parts.filter((one) => one !== null);
  return said.length === 0 ? null : said.join('-');
}
