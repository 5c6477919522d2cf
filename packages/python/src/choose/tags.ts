/** Which wheels an interpreter can use, best first: PEP 425 and 600, in the order of Python's `packaging`, which pip and uv follow. */
import type { Platform } from '@rebake/image';

/** What wheels are chosen for. */
export interface Target {
  /** `3.11`. */
  readonly interpreter: string;
  /** `2.36`. */
  readonly glibc: string;
  readonly platform: Platform;
}

/** Name of a platform's machine, as Python has it. */
export const MACHINES: Readonly<Record<Platform, string>> = { 'linux/amd64': 'x86_64', 'linux/arm64': 'aarch64' };

/** Names that some versions of glibc had before PEP 600. */
const LEGACY: Readonly<Record<string, string>> = {
  '2_17': 'manylinux2014',
  '2_12': 'manylinux2010',
  '2_5': 'manylinux1',
};
/** The oldest glibc of each machine that there are wheels for. */
const OLDEST: Readonly<Record<Platform, number>> = { 'linux/amd64': 5, 'linux/arm64': 17 };

/** Tags such as `cp311-cp311-manylinux_2_28_x86_64` with their place: 0 is the best. */
export function supportedTags(target: Target): ReadonlyMap<string, number> {
  const [major = 3, minor = 0] = target.interpreter.split('.').map(Number);
  const platforms = platformTags(target);
  const own = `cp${major}${minor}`;
  const tags: string[] = [];
  const add = (python: string, abi: string, on: readonly string[]): void => {
    for (const platform of on) tags.push(`${python}-${abi}-${platform}`);
  };
  // Until 3.7 the ABI of builds with pymalloc, which all are, had a letter for it.
  add(own, minor < 8 ? `${own}m` : own, platforms);
  add(own, 'abi3', platforms);
  add(own, 'none', platforms);
  for (let older = minor - 1; older >= 2; older--) add(`cp${major}${older}`, 'abi3', platforms);
  const pythons = [`py${major}${minor}`, `py${major}`];
  for (let older = minor - 1; older >= 0; older--) pythons.push(`py${major}${older}`);
  for (const python of pythons) add(python, 'none', platforms);
  add(own, 'none', ['any']);
  for (const python of pythons) add(python, 'none', ['any']);
  return new Map([...new Set(tags)].map((tag, place) => [tag, place]));
}

function platformTags({ glibc, platform }: Target): readonly string[] {
  const machine = MACHINES[platform];
  const [major = 2, minor = 17] = glibc.split('.').map(Number);
  const tags = [`linux_${machine}`];
  for (let version = major === 2 ? minor : -1; version >= OLDEST[platform]; version--) {
    tags.push(`manylinux_2_${version}_${machine}`);
    const legacy = LEGACY[`2_${version}`];
    if (legacy !== undefined) tags.push(`${legacy}_${machine}`);
  }
  return tags;
}

/** A wheel's file name, taken apart. */
export interface WheelName {
  /** As written, such as `Flask_SQLAlchemy`. */
  readonly name: string;
  readonly version: string;
  /** Digits and more; null: none. */
  readonly build: string | null;
  /** Every combination of its tags. */
  readonly tags: readonly string[];
}

const PART = /^[\w.!+]+$/;

/** Null for what is no name of a wheel. */
export function parseWheelName(file: string): WheelName | null {
  if (!file.endsWith('.whl')) return null;
  const parts = file.slice(0, -4).split('-');
  if ((parts.length !== 5 && parts.length !== 6) || !parts.every((part) => PART.test(part))) return null;
  const [name = '', version = ''] = parts;
  const build = parts.length === 6 ? (parts[2] ?? '') : null;
  if (build !== null && !/^\d/.test(build)) return null;
  const [pythons = [], abis = [], platforms = []] = parts.slice(-3).map((part) => part.toLowerCase().split('.'));
  // No wheel has so many; names come from outside.
  if (pythons.length * abis.length * platforms.length > 4096) return null;
  const tags = pythons.flatMap((python) =>
    abis.flatMap((abi) => platforms.map((platform) => `${python}-${abi}-${platform}`)),
  );
  return { name, version, build, tags };
}

/** PEP 503: one `-` for every run of `-`, `_` and `.`, lower case. */
export function normalizeName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
