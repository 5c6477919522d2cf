/** Which packages a wish comes to. */
import type { DebianMirror, LockedDeb } from '@rebake/image';
import { compareBytes } from '@rebake/image';
import { fetchIndex } from '../index/fetch.ts';
import type { PackageIndex } from '../index/packages.ts';
import type { Means } from '../means.ts';
import { solve } from './solve.ts';
import { universe, type Candidate } from './universe.ts';
import { findWish } from './wish.ts';

export interface DebianWish {
  /** Such as `bookworm`. */
  readonly suite: string;
  readonly architecture: 'amd64' | 'arm64';
  /** Names as `apt install` takes them: `NAME`, `NAME=VERSION`, `NAME:ARCHITECTURE`. */
  readonly packages: readonly string[];
  /** Packages of the parent: what need not be there again. Null: a whole system, essential packages included. */
  readonly installed: readonly LockedDeb[] | null;
}

/** Says that `/bin` is `/usr/bin`, as it is in every layout that is made here. Otherwise Debian would bring a program that changes that, and all of Perl. */
const MERGED = 'usr-is-merged';

/** The packages, sorted by name, or in words why there is no answer (`DEBIAN_UNRESOLVABLE` for who throws it). */
export type Resolution =
  | { readonly ok: true; readonly packages: readonly LockedDeb[] }
  | { readonly ok: false; readonly words: string };

/**
 * What has to be installed for a wish, as `apt-get install --no-install-recommends` decides it, from the index of a mirror. Rejects with
 * `DEBIAN_INDEX_INVALID`, and with the failures of downloads.
 */
export async function resolveDebian(wish: DebianWish, mirror: DebianMirror, means: Means): Promise<Resolution> {
  return resolveIn(wish, await fetchIndex(wish.suite, wish.architecture, mirror, means));
}

/** The same in an index that is at hand. */
export function resolveIn({ architecture, packages, installed }: DebianWish, index: PackageIndex): Resolution {
  const all = universe(index, installed, architecture);
  const found = packages.map((name) => findWish(name, architecture, all));
  const wrong = found.filter((one) => typeof one === 'string');
  if (wrong.length > 0) return { ok: false, words: wrong.join('\n') };
  const essential = installed === null ? [...all.essential, MERGED].map((name) => all.candidate(name)) : [];
  const roots = [...found, ...essential].filter((one): one is Candidate => one !== null && typeof one !== 'string');
  const solution = solve(roots, all);
  if (!solution.ok) return solution;
  return { ok: true, packages: solution.chosen.flatMap(lock).toSorted((a, b) => compareBytes(a.name, b.name)) };
}

function lock({ isInstalled, indexed }: Candidate): readonly LockedDeb[] {
  if (isInstalled || indexed === null) return [];
  const { name, version, architecture, path, size, sha256 } = indexed;
  return [{ name, version, architecture, path, size, digest: `sha256:${sha256}` }];
}
