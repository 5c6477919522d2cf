/** Whether a wheel fits an interpreter and a platform, by the tags in its name (PEP 425, PEP 600, PEP 656). */
import type { Platform } from '../platform.ts';

/** CPython of a version, on Linux with a glibc. */
export interface WheelTarget {
  /** Such as `3.11`. */
  readonly interpreter: string;
  readonly platform: Platform;
  /** Such as `2.36`. */
  readonly glibc: string;
}

/** Old names of manylinux platforms → the minor version of glibc that they mean. */
const OLD_PLATFORMS: Readonly<Record<string, number>> = { manylinux1: 5, manylinux2010: 12, manylinux2014: 17 };
const MACHINES: Readonly<Record<Platform, string>> = { 'linux/amd64': 'x86_64', 'linux/arm64': 'aarch64' };

/** Whether a file of this name can be installed there. False for what is no wheel. */
export function wheelFits(name: string, target: WheelTarget): boolean {
  if (!name.endsWith('.whl')) return false;
  const parts = name.slice(0, -'.whl'.length).split('-');
  if (parts.length !== 5 && parts.length !== 6) return false;
  const [pythons, abis, platforms] = parts.slice(-3).map((tags) => tags.split('.')) as [string[], string[], string[]];
  const minor = Number(target.interpreter.slice('3.'.length));
  return (
    pythons.some((python) => abis.some((abi) => interpreterFits(python, abi, minor))) &&
    platforms.some((platform) => platformFits(platform, target))
  );
}

function interpreterFits(python: string, abi: string, minor: number): boolean {
  const match = /^(py|cp)(\d)(\d*)$/.exec(python);
  if (match?.[2] !== '3') return false;
  const of = match[3] === '' ? null : Number(match[3]);
  if (match[1] === 'py') return abi === 'none' && (of === null || of <= minor);
  if (of === null) return false;
  // Until 3.7 the name of the ABI ended with `m`.
  if (abi === `cp3${of}` || abi === `cp3${of}m`) return of === minor;
  if (abi === 'abi3') return of <= minor;
  return abi === 'none' && of === minor;
}

function platformFits(platform: string, { platform: on, glibc }: WheelTarget): boolean {
  if (platform === 'any') return true;
  const machine = MACHINES[on];
  if (platform === `linux_${machine}`) return true;
  if (!platform.endsWith(`_${machine}`)) return false;
  const kind = platform.slice(0, -machine.length - 1);
  const needs = Object.hasOwn(OLD_PLATFORMS, kind) ? OLD_PLATFORMS[kind] : /^manylinux_2_(\d+)$/.exec(kind)?.[1];
  return needs !== undefined && Number(needs) <= Number(glibc.slice('2.'.length));
}
