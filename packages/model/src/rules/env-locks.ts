/** Locks of a code env: one of Python packages for each interpreter and platform, or one of Debian packages for R on each base. */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { debianLockFileName, lockFileName } from '@rebake/image/locks';
import type { Platform } from '@rebake/sdk';
import { listed } from '../names.ts';
import { debOfR, mirrorOf } from './debian.ts';
import type { BaseFacts, CodeEnvFacts } from './facts.ts';
import { lowerGlibc } from './glibc.ts';
import { LockStates, sentence, type LockOwner } from './lock-state.ts';
import { joined, type LockWork } from './lock-work.ts';
import { architectureOf } from './lockables.ts';
import { installedPackages } from './packages.ts';
import { pinsKey, unsound, type Pins } from './pins.ts';

/** Looks at the locks of a code env. */
export function lockEnv(work: LockWork, env: CodeEnvFacts): void {
  const owner: LockOwner = {
    words: `the code env \`${env.id}\``,
    name: env.id,
    path: [...env.contentsPath, env.lock === null ? 'packages' : 'lock'],
    required: work.isRequired(env.builder, env.lock),
  };
  const states = new LockStates(owner);
  if (env.language === 'python') pythonEnv(work, env, states, owner);
  else rEnv(work, env, states, owner);
  states.tell(work.problems);
}

interface Variant {
  readonly interpreter: string;
  readonly platform: Platform;
  readonly glibc: string;
  readonly bases: readonly BaseFacts[];
  readonly variant: string | null;
}

/** One lock an interpreter and platform: bases that share them share it. */
function pythonEnv(work: LockWork, env: CodeEnvFacts, states: LockStates, owner: LockOwner): void {
  const packages = installedPackages(env);
  const variants = variantsOf(work, env);
  const compiles = new Set<string>();
  const made = variants.map(({ interpreter, platform, glibc, bases, variant }) => {
    const file = fileOf(work, env, variant, lockFileName);
    const { lock } = work.lockables.python({
      of: `env/python/${env.id}`,
      name: env.id,
      file,
      path: owner.path,
      required: owner.required,
      interpreter,
      platform,
      glibc,
      packages,
      pins: [...env.contentsPath, 'pins'],
      states,
    });
    for (const one of lock?.compiles ?? []) compiles.add(one);
    return { platform, bases, python: lock === null ? null : { file, lock, glibc } };
  });
  const needsCompiler = states.sound && compiles.size > 0 && work.builders.isLocking(env.builder);
  if (needsCompiler && work.builders.engine === null) work.tellCompiler(owner.words, owner.path, compiles);
  for (const { platform, bases, python } of made) {
    const compiled = needsCompiler && (python?.lock.compiles.length ?? 0) > 0;
    const builder = compiled ? work.builders.engine : env.builder;
    const pins: Pins =
      states.sound && builder !== null
        ? { sound: true, key: python?.file ?? '', builder, python, debian: null }
        : unsound(env.builder);
    for (const base of bases) work.pins.set(pinsKey(base, platform, env), pins);
    if (!compiled || builder === null) continue;
    const apart = bases.filter((base) => base.builder !== builder && !work.published.has(pinsKey(base, platform)));
    for (const base of apart) work.pins.set(pinsKey(base, platform, env), unsound(env.builder));
    if (apart.length > 0)
      work.problems.add(
        'LOCK_NEEDS_COMPILER',
        owner.path,
        `${sentence(owner.words)} has packages that the builder \`${builder}\` has to compile, and ${listed(apart.map(({ name }) => name))} is in no registry from which it could take it`,
        `Publish the base: name a \`registry\` in a container config that uses it. Or build it with \`builder: ${builder}\`, or choose versions that come as wheels.`,
      );
  }
}

function variantsOf(work: LockWork, env: CodeEnvFacts): readonly Variant[] {
  const found = new Map<string, { interpreter: string; platform: Platform; glibc: string; bases: Set<BaseFacts> }>();
  for (const { base, platform } of env.configs) {
    const interpreter = env.interpreter ?? base.builtin;
    const glibc = work.glibc(base, platform);
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
function rEnv(work: LockWork, env: CodeEnvFacts, states: LockStates, owner: LockOwner): void {
  const locking = work.builders.isLocking(env.builder);
  if (env.lock !== null && !(locking && env.configs.every(({ base }) => base.suite !== null)))
    work.problems.add(
      'NOT_ACTED_ON_YET',
      owner.path,
      'The `lock` of an R env is not acted on yet unless its bases are made of Debian packages, and its builder installs from locks',
    );
  const names = installedPackages(env).flatMap(({ lines }) => lines.map(debOfR));
  const places = [...new Map(env.configs.map((one) => [pinsKey(one.base, one.platform), one])).values()];
  const bases = new Set(places.map(({ base }) => base));
  const platforms = new Set(places.map(({ platform }) => platform));
  const made = places.map(({ base, platform }) => {
    const under = work.below.get(pinsKey(base, platform)) ?? null;
    const { suite } = base;
    if (!locking || suite === null || under === null || names.length === 0) return { base, platform, debian: null };
    const variant = joined([bases.size > 1 ? base.name : null, platforms.size > 1 ? architectureOf(platform) : null]);
    const file = fileOf(work, env, variant, debianLockFileName);
    const { lock } = work.lockables.debian({
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
      debian: lock === null ? null : { file, lock, suite, mirror: mirrorOf(work.loaded, base) },
    };
  });
  for (const { base, platform, debian } of made)
    work.pins.set(
      pinsKey(base, platform, env),
      states.sound
        ? { sound: true, key: debian?.file ?? '', builder: env.builder, python: null, debian }
        : unsound(env.builder),
    );
}

function fileOf(work: LockWork, env: CodeEnvFacts, variant: string | null, byDefault: typeof lockFileName): string {
  const { root } = work.loaded;
  if (env.lock === null) return join(root, byDefault(env.id, variant));
  const named = resolve(root, env.lock);
  const extension = extname(named);
  return variant === null ? named : join(dirname(named), `${basename(named, extension)}--${variant}${extension}`);
}
