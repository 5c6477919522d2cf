/** Rules of Debian: what the packages of a base are, which Python a suite has, and what R packages are called there. */
import { posix } from 'node:path';
import { compareBytes } from '@rebake/sdk';
import type { DebianMirror } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import type { BaseImageConfig } from '../schema.ts';
import type { BaseFacts } from './facts.ts';

/** Python and glibc of suites, as Debian released them. */
const SUITES: Readonly<Record<string, { readonly python: string; readonly glibc: string }>> = {
  buster: { python: '3.7', glibc: '2.28' },
  bullseye: { python: '3.9', glibc: '2.31' },
  bookworm: { python: '3.11', glibc: '2.36' },
  trixie: { python: '3.13', glibc: '2.41' },
};

/** What every base has: wheels need the libraries, images on top the commands that make users, and programs the rest. */
const ALWAYS = ['ca-certificates', 'libgomp1', 'libstdc++6', 'media-types', 'netbase', 'passwd', 'tzdata'];

/** Whether a text is a name of a Debian package, as its policy has them. */
export function isDebName(text: string): boolean {
  return /^[a-z0-9][a-z0-9+.-]+$/.test(text);
}

/** The Python of a suite; null: not known. */
export function suitePython(suite: string): string | null {
  return SUITES[suite]?.python ?? null;
}

/** The glibc of a suite; null: not known. */
export function suiteGlibc(suite: string): string | null {
  return SUITES[suite]?.glibc ?? null;
}

/** Debian packages that a base asks for: for a whole system, or on top of that of its parent. Sorted, each once. */
export function debsOf(
  { from, systemPackages, r }: BaseImageConfig,
  parent: BaseFacts | null,
  pythons: readonly string[],
  isLocking: boolean,
): readonly string[] {
  if ('debian' in from)
    return sorted([
      ...ALWAYS,
      ...pythons.flatMap(pythonPackages),
      ...(r === true ? ['r-base-core'] : []),
      ...from.debian.packages,
      ...systemPackages,
    ]);
  if (parent === null || parent.suite === null || !isLocking) return [];
  return sorted([...systemPackages, ...(r === true && !parent.r ? ['r-base-core'] : [])]);
}

/** `distutils` is a package of its own up to Python 3.11. */
function pythonPackages(version: string): string[] {
  const minor = Number(version.split('.')[1]);
  return [`python${version}`, `python${version}-venv`, ...(minor <= 11 ? ['python3-distutils'] : [])];
}

/** The Debian package of a package of CRAN. */
export function debOfR(name: string): string {
  return `r-cran-${name.toLowerCase()}`;
}

/** Where the packages of a base come from; null: the machine's mirror. */
export function mirrorOf(loaded: Loaded, base: BaseFacts): DebianMirror | null {
  const { from } = base.config;
  if (!('debian' in from)) return base.parent === null ? null : mirrorOf(loaded, base.parent);
  const { mirror, security, keyring } = from.debian;
  if (mirror === undefined) return null;
  return {
    url: mirror.replace(/\/+$/, ''),
    ...(security !== undefined && { security: security.replace(/\/+$/, '') }),
    ...(keyring !== undefined && { keyring: posix.resolve(loaded.root, keyring) }),
  };
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted(compareBytes);
}
