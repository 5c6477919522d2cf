/** Locks of a base image: of its Debian packages, and of the packages of its builtin environment. */
import { join } from 'node:path';
import { debianLockFileName, lockFileName } from '@rebake/image/locks';
import type { Platform } from '@rebake/sdk';
import { mirrorOf } from './debian.ts';
import type { BaseFacts } from './facts.ts';
import { LockStates } from './lock-state.ts';
import type { LockWork } from './lock-work.ts';
import { architectureOf } from './lockables.ts';
import { pinsKey, unsound, type PinnedDebian, type PinnedPython } from './pins.ts';
import type { KeyPath } from './problems.ts';

/** Looks at the locks of a base; its parent's come first. */
export function lockBase(work: LockWork, base: BaseFacts, platforms: readonly Platform[]): void {
  const { name, path, builder } = base;
  const common = { words: `the base image \`${name}\``, name: `base-${name}` };
  const ofDebs = new LockStates({ ...common, path: debsPath(base), required: true });
  const ofPackages = new LockStates({
    ...common,
    path: [...path, 'packages'],
    required: work.isRequired(builder, null),
  });
  const compiles = new Set<string>();
  for (const platform of platforms) {
    const variant = platforms.length > 1 ? architectureOf(platform) : null;
    const debian = debsOfBase(work, base, platform, variant, ofDebs);
    const python = packagesOfBase(work, base, platform, variant, ofPackages);
    for (const one of python?.lock.compiles ?? []) compiles.add(one);
    work.pins.set(pinsKey(base, platform), {
      sound: true,
      key: '',
      builder,
      python,
      debian,
    });
  }
  ofDebs.tell(work.problems);
  ofPackages.tell(work.problems);
  const needsCompiler = compiles.size > 0 && work.builders.isLocking(builder);
  if (needsCompiler) work.tellCompiler(common.words, [...path, 'packages'], compiles);
  if (ofDebs.sound && ofPackages.sound && !needsCompiler) return;
  for (const platform of platforms) work.pins.set(pinsKey(base, platform), unsound(builder));
}

function debsOfBase(
  work: LockWork,
  base: BaseFacts,
  platform: Platform,
  variant: string | null,
  states: LockStates,
): PinnedDebian | null {
  const { parent, suite, debs, name } = base;
  const under = parent === null ? null : (work.below.get(pinsKey(parent, platform)) ?? null);
  if (suite === null || debs.length === 0) {
    if (under !== null) work.below.set(pinsKey(base, platform), under);
    return null;
  }
  const file = join(work.loaded.root, debianLockFileName(name, variant));
  const made = work.lockables.debian({
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
  work.below.set(pinsKey(base, platform), { file, lock: made.lock });
  return made.lock === null ? null : { file, lock: made.lock, suite, mirror: mirrorOf(work.loaded, base) };
}

function packagesOfBase(
  work: LockWork,
  base: BaseFacts,
  platform: Platform,
  variant: string | null,
  states: LockStates,
): PinnedPython | null {
  const { name, path, packages, builtin, builder } = base;
  if (packages.length === 0) return null;
  const id = `base-${name}`;
  const file = join(work.loaded.root, lockFileName(id, variant));
  const glibc = work.glibc(base, platform);
  const made = work.lockables.python({
    of: `base/${name}`,
    name: id,
    file,
    path: [...path, 'packages'],
    required: work.isRequired(builder, null),
    interpreter: builtin,
    platform,
    glibc,
    packages,
    pins: null,
    states,
  });
  return made.lock === null ? null : { file, lock: made.lock, glibc };
}

function debsPath({ config, path }: BaseFacts): KeyPath {
  if ('debian' in config.from) return [...path, 'from', 'debian'];
  return [...path, config.systemPackages.length > 0 ? 'systemPackages' : 'r'];
}
