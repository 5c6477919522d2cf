/** Rules of locks: what can be locked, under which names, and what images install from the locks that are there. */
import type { Platform } from '@rebake/sdk';
import type { Loaded, Lockable } from '../contract.ts';
import { lockBase } from './base-locks.ts';
import type { BuildersFacts } from './builders.ts';
import { lockEnv } from './env-locks.ts';
import type { BaseFacts, CodeEnvFacts, ConfigFacts } from './facts.ts';
import { LockWork } from './lock-work.ts';
import { pinsKey, unsound, type Pins } from './pins.ts';
import type { Problems } from './problems.ts';

/** What the locks of a declaration are for. */
export interface LockUsers {
  /** Parents before children. */
  readonly bases: ReadonlyMap<BaseFacts, ReadonlySet<Platform>>;
  readonly envs: readonly CodeEnvFacts[];
  readonly configs: Iterable<ConfigFacts>;
}

/** The locks of a declaration. */
export interface Locks {
  readonly lockables: readonly Lockable[];
  /** Code envs that have an error of their locks, by id, with its code. */
  readonly refused: ReadonlyMap<string, string>;
  /** What an image of a base installs from locks. */
  ofBase(base: BaseFacts, platform: Platform): Pins;
  /** What an image of a code env installs from locks. */
  ofEnv(env: CodeEnvFacts, base: BaseFacts, platform: Platform): Pins;
}

/** Looks at all of them: of bases first, since code envs depend on what is in these. */
export function readLocks(
  loaded: Loaded,
  { bases, envs, configs }: LockUsers,
  builders: BuildersFacts,
  problems: Problems,
): Locks {
  const work = new LockWork(loaded, builders, publishedBases(configs), problems);
  for (const [base, platforms] of bases) lockBase(work, base, [...platforms]);
  const refused = new Map<string, string>();
  for (const env of envs) {
    const before = problems.mark();
    lockEnv(work, env);
    const code = problems.firstErrorSince(before);
    if (code !== null) refused.set(env.id, code);
  }
  return {
    lockables: work.lockables.all,
    refused,
    ofBase: (base, platform) => work.pins.get(pinsKey(base, platform)) ?? unsound(base.builder),
    ofEnv: (env, base, platform) => work.pins.get(pinsKey(base, platform, env)) ?? unsound(env.builder),
  };
}

/** Bases that a registry gets, and what these are built on. */
function publishedBases(configs: Iterable<ConfigFacts>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { base, platform, registry } of configs)
    if (registry !== null)
      for (let at: BaseFacts | null = base; at !== null; at = at.parent) found.add(pinsKey(at, platform));
  return found;
}
