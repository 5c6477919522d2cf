/** Rules of locks: what can be locked, under which names, and what images install from the locks that are there. */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { debianLockFileName, lockFileName } from '@rebake/image/locks';
import type { DebianMirror, Platform } from '@rebake/sdk';
import type { Loaded, LoadedDebianLock, LoadedPylock } from '../contract.ts';
import { listed } from '../names.ts';
import type { BuildersFacts } from './builders.ts';
import { debOfR, mirrorOf } from './debian.ts';
import type { BaseFacts, CodeEnvFacts } from './facts.ts';
import { glibcOfDeb, lowerGlibc } from './glibc.ts';
import { LockStates, type LockOwner } from './lock-state.ts';
import { architectureOf, Lockables, type Below } from './lockables.ts';
import { installedPackages } from './packages.ts';
import type { KeyPath, Problems } from './problems.ts';

/** What one image installs from locks. */
export interface Pins {
  /** False: a lock that it needs is not there or cannot be used, so that there is no such image. */
  readonly sound: boolean;
  /** The same for images that install the same. */
  readonly key: string;
  readonly builder: string;
  readonly python: PinnedPython | null;
  readonly debian: PinnedDebian | null;
}

/** Python packages of a lock. */
export interface PinnedPython {
  readonly file: string;
  readonly lock: LoadedPylock;
  readonly glibc: string;
}

/** Debian packages of a lock. */
export interface PinnedDebian {
  readonly file: string;
  readonly lock: LoadedDebianLock;
  readonly suite: string;
  readonly mirror: DebianMirror | null;
}

/** The locks of a declaration: bases first, then code envs. */
export class Locks {
  readonly lockables: Lockables;
  private readonly loaded: Loaded;
  private readonly builders: BuildersFacts;
  private readonly problems: Problems;
  private readonly pins = new Map<string, Pins>();
  /** Debian locks of bases, sound or not: what is below. */
  private readonly below = new Map<string, Below>();

  constructor(loaded: Loaded, builders: BuildersFacts, problems: Problems) {
    this.loaded = loaded;
    this.builders = builders;
    this.problems = problems;
    this.lockables = new Lockables(loaded, problems);
  }

  /** Looks at the locks of a base; its parent's come first. */
  base(base: BaseFacts, platforms: readonly Platform[]): void {
    const { name, path, builder } = base;
    const common = { words: `the base image \`${name}\``, name: `base-${name}` };
    const ofDebs = new LockStates({ ...common, path: debsPath(base), required: true });
    const ofPackages = new LockStates({
      ...common,
      path: [...path, 'packages'],
      required: this.isRequired(builder, null),
    });
    const compiles = new Set<string>();
    for (const platform of platforms) {
      const variant = platforms.length > 1 ? architectureOf(platform) : null;
      const debian = this.debsOfBase(base, platform, variant, ofDebs);
      const python = this.packagesOfBase(base, platform, variant, ofPackages);
      for (const one of python?.lock.compiles ?? []) compiles.add(one);
      this.pins.set(pinsKey(base, platform), {
        sound: true,
        key: '',
        builder,
        python,
        debian,
      });
    }
    ofDebs.tell(this.problems);
    ofPackages.tell(this.problems);
    const needsCompiler = compiles.size > 0 && this.builders.isLocking(builder);
    if (needsCompiler) this.tellCompiler(common.words, [...path, 'packages'], compiles);
    if (ofDebs.sound && ofPackages.sound && !needsCompiler) return;
    for (const platform of platforms) this.pins.set(pinsKey(base, platform), unsound(builder));
  }

  /** Looks at the locks of a code env. */
  env(env: CodeEnvFacts): void {
    const owner: LockOwner = {
      words: `the code env \`${env.id}\``,
      name: env.id,
      path: [...env.contentsPath, env.lock === null ? 'packages' : 'lock'],
      required: this.isRequired(env.builder, env.lock),
    };
    const states = new LockStates(owner);
    if (env.language === 'python') this.pythonEnv(env, states, owner);
    else this.rEnv(env, states, owner);
    states.tell(this.problems);
  }

  /** What an image of a base installs from locks. */
  ofBase(base: BaseFacts, platform: Platform): Pins {
    return this.pins.get(pinsKey(base, platform)) ?? unsound(base.builder);
  }

  /** What an image of a code env installs from locks. */
  ofEnv(env: CodeEnvFacts, base: BaseFacts, platform: Platform): Pins {
    return this.pins.get(pinsKey(base, platform, env)) ?? unsound(env.builder);
  }

  private isRequired(builder: string, named: string | null): boolean {
    return named !== null || this.builders.isLocking(builder) || this.loaded.config.locks === 'required';
  }

  private debsOfBase(
    base: BaseFacts,
    platform: Platform,
    variant: string | null,
    states: LockStates,
  ): PinnedDebian | null {
    const { parent, suite, debs, name } = base;
    const under = parent === null ? null : (this.below.get(pinsKey(parent, platform)) ?? null);
    if (suite === null || debs.length === 0) {
      if (under !== null) this.below.set(pinsKey(base, platform), under);
      return null;
    }
    const file = join(this.loaded.root, debianLockFileName(name, variant));
    const made = this.lockables.debian({
      of: `base/${name}`,
      name: `base-${name}`,
      file,
      path: debsPath(base),
      required: true,
      base,
      suite,
      platform,
      packages: debs,
      under,
      states,
    });
    this.below.set(pinsKey(base, platform), { file, lock: made.lock });
    return made.lock === null ? null : { file, lock: made.lock, suite, mirror: mirrorOf(this.loaded, base) };
  }

  private packagesOfBase(
    base: BaseFacts,
    platform: Platform,
    variant: string | null,
    states: LockStates,
  ): PinnedPython | null {
    const { name, path, packages, builtin, builder } = base;
    if (packages.length === 0) return null;
    const id = `base-${name}`;
    const file = join(this.loaded.root, lockFileName(id, variant));
    const glibc = this.glibc(base, platform);
    const made = this.lockables.python({
      of: `base/${name}`,
      name: id,
      file,
      path: [...path, 'packages'],
      required: this.isRequired(builder, null),
      interpreter: builtin,
      platform,
      glibc,
      packages,
      states,
    });
    return made.lock === null ? null : { file, lock: made.lock, glibc };
  }

  /** One lock an interpreter and platform: bases that share them share it. */
  private pythonEnv(env: CodeEnvFacts, states: LockStates, owner: LockOwner): void {
    const packages = installedPackages(env);
    const variants = this.variantsOf(env);
    const compiles = new Set<string>();
    const made = variants.map(({ interpreter, platform, glibc, bases, variant }) => {
      const file = this.fileOf(env, variant, lockFileName);
      const { lock } = this.lockables.python({
        of: `env/python/${env.id}`,
        name: env.id,
        file,
        path: owner.path,
        required: owner.required,
        interpreter,
        platform,
        glibc,
        packages,
        states,
      });
      for (const one of lock?.compiles ?? []) compiles.add(one);
      return { platform, bases, python: lock === null ? null : { file, lock, glibc } };
    });
    const needsCompiler = states.sound && compiles.size > 0 && this.builders.isLocking(env.builder);
    if (needsCompiler && this.builders.engine === null) this.tellCompiler(owner.words, owner.path, compiles);
    for (const { platform, bases, python } of made) {
      const compiled = needsCompiler && (python?.lock.compiles.length ?? 0) > 0;
      const builder = compiled ? this.builders.engine : env.builder;
      const pins: Pins =
        states.sound && builder !== null
          ? { sound: true, key: python?.file ?? '', builder, python, debian: null }
          : unsound(env.builder);
      for (const base of bases) this.pins.set(pinsKey(base, platform, env), pins);
    }
  }

  private variantsOf(env: CodeEnvFacts): readonly Variant[] {
    const found = new Map<string, { interpreter: string; platform: Platform; glibc: string; bases: Set<BaseFacts> }>();
    for (const { base, platform } of env.configs) {
      const interpreter = env.interpreter ?? base.builtin;
      const glibc = this.glibc(base, platform);
      const key = `${interpreter} ${platform}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { interpreter, platform, glibc, bases: new Set([base]) });
      else {
        known.glibc = lowerGlibc(known.glibc, glibc);
        known.bases.add(base);
      }
    }
    const all = [...found.values()];
    const differ = (of: (one: (typeof all)[number]) => string): boolean => new Set(all.map(of)).size > 1;
    const interpreters = differ((one) => one.interpreter);
    const platforms = differ((one) => one.platform);
    return all.map((one) => ({
      ...one,
      bases: [...one.bases],
      // Names say what tells these apart, and nothing else.
      variant: joined([
        interpreters ? `py${one.interpreter.replace('.', '')}` : null,
        platforms ? architectureOf(one.platform) : null,
      ]),
    }));
  }

  /** R packages come as Debian's where the base is of Debian packages and nothing else can install them. */
  private rEnv(env: CodeEnvFacts, states: LockStates, owner: LockOwner): void {
    const locking = this.builders.isLocking(env.builder);
    const names = installedPackages(env).flatMap(({ lines }) => lines.map(debOfR));
    const places = [...new Map(env.configs.map((one) => [pinsKey(one.base, one.platform), one])).values()];
    const bases = new Set(places.map(({ base }) => base));
    const platforms = new Set(places.map(({ platform }) => platform));
    const made = places.map(({ base, platform }) => {
      const under = this.below.get(pinsKey(base, platform)) ?? null;
      const { suite } = base;
      if (!locking || suite === null || under === null || names.length === 0) return { base, platform, debian: null };
      const variant = joined([bases.size > 1 ? base.name : null, platforms.size > 1 ? architectureOf(platform) : null]);
      const file = this.fileOf(env, variant, debianLockFileName);
      const { lock } = this.lockables.debian({
        of: `env/r/${env.id}`,
        name: env.id,
        file,
        path: owner.path,
        required: owner.required,
        base,
        suite,
        platform,
        packages: [...new Set(names)].toSorted(),
        under,
        states,
      });
      return {
        base,
        platform,
        debian: lock === null ? null : { file, lock, suite, mirror: mirrorOf(this.loaded, base) },
      };
    });
    for (const { base, platform, debian } of made)
      this.pins.set(
        pinsKey(base, platform, env),
        states.sound
          ? { sound: true, key: debian?.file ?? '', builder: env.builder, python: null, debian }
          : unsound(env.builder),
      );
  }

  private fileOf(env: CodeEnvFacts, variant: string | null, byDefault: typeof lockFileName): string {
    const { root } = this.loaded;
    if (env.lock === null) return join(root, byDefault(env.id, variant));
    const named = resolve(root, env.lock);
    const extension = extname(named);
    return variant === null ? named : join(dirname(named), `${basename(named, extension)}--${variant}${extension}`);
  }

  /** Version of glibc in a base: as declared, by its Debian lock, or guessed. */
  private glibc(base: BaseFacts, platform: Platform): string {
    if (base.glibc.from === 'declared') return base.glibc.version;
    let root = base;
    while (root.parent !== null) root = root.parent;
    const libc = this.below.get(pinsKey(root, platform))?.lock?.counts.find(({ name }) => name === 'libc6');
    return (libc === undefined ? null : glibcOfDeb(libc.shown)) ?? base.glibc.version;
  }

  private tellCompiler(words: string, path: KeyPath, packages: ReadonlySet<string>): void {
    this.problems.add(
      'LOCK_NEEDS_COMPILER',
      path,
      `${words.slice(0, 1).toUpperCase()}${words.slice(1)} has packages that have to be compiled, which its builder cannot: ${listed([...packages])}`,
    );
  }
}

interface Variant {
  readonly interpreter: string;
  readonly platform: Platform;
  readonly glibc: string;
  readonly bases: readonly BaseFacts[];
  readonly variant: string | null;
}

function debsPath({ config, path }: BaseFacts): KeyPath {
  if ('debian' in config.from) return [...path, 'from', 'debian'];
  return [...path, config.systemPackages.length > 0 ? 'systemPackages' : 'r'];
}

function unsound(builder: string): Pins {
  return { sound: false, key: '', builder, python: null, debian: null };
}

function pinsKey(base: BaseFacts, platform: Platform, env?: CodeEnvFacts): string {
  return `${base.name} ${platform} ${env?.id ?? ''}`;
}

function joined(parts: readonly (string | null)[]): string | null {
  const said = parts.filter((one) => one !== null);
  return said.length === 0 ? null : said.join('-');
}
