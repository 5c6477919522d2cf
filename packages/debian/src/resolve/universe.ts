/** The packages that there are and those that are there already, as the solver asks for them. */
import type { LockedDeb } from '@rebake/image';
import type { IndexedPackage, PackageIndex } from '../index/packages.ts';
import { parseRelations, type Relation } from './relations.ts';
import { compareVersions, satisfies } from './version.ts';

/** A package that can be chosen or is there. */
export interface Candidate {
  readonly name: string;
  readonly version: string;
  readonly isInstalled: boolean;
  /** Null for what is installed, and is not in the index at that version. */
  readonly indexed: IndexedPackage | null;
  /** Pre-Depends, then Depends. */
  readonly needs: readonly (readonly Relation[])[];
  readonly against: readonly Relation[];
  readonly provides: readonly Relation[];
}

export interface Universe {
  /** The version that would be installed: the newest, or the one that is there. */
  candidate(name: string): Candidate | null;
  /** A version by its number. */
  exactly(name: string, version: string): Candidate | null;
  /** What stands for a name besides the package of that name: the likeliest first. */
  providers(name: string): readonly Candidate[];
  readonly installed: readonly Candidate[];
  readonly essential: readonly string[];
  names(): Iterable<string>;
  versions(name: string): readonly string[];
}

/** Those of a system before those of an application, as apt weighs them. */
const PRIORITIES = ['required', 'important', 'standard', 'optional', 'extra'];

export function universe(index: PackageIndex, installed: readonly LockedDeb[] | null, architecture: string): Universe {
  const present = new Map<string, Candidate>();
  const made = new Map<IndexedPackage, Candidate>();
  const best = new Map<string, Candidate | null>();

  const make = (pkg: IndexedPackage): Candidate => {
    let candidate = made.get(pkg);
    if (candidate === undefined) made.set(pkg, (candidate = candidateOf(pkg, false, architecture)));
    return candidate;
  };

  for (const { name, version } of installed ?? []) {
    const all = index.named(name);
    const same = all.find((pkg) => pkg.version === version) ?? null;
    // What an older version stood for is not known; the same as a newer one is the best guess there is.
    const like = same ?? newest(all);
    const known = like === null ? null : candidateOf(like, true, architecture);
    present.set(name, {
      name,
      version,
      isInstalled: true,
      indexed: same,
      needs: [],
      against: known?.against ?? [],
      provides: (known?.provides ?? []).map((one) => (one.version === like?.version ? { ...one, version } : one)),
    });
  }

  const candidate = (name: string): Candidate | null => {
    const there = present.get(name);
    if (there !== undefined) return there;
    let found = best.get(name);
    if (found === undefined) {
      const pkg = newest(index.named(name));
      best.set(name, (found = pkg === null ? null : make(pkg)));
    }
    return found;
  };

  const presentProviders = new Map<string, Candidate[]>();
  for (const one of present.values()) {
    for (const { name } of one.provides) presentProviders.set(name, [...(presentProviders.get(name) ?? []), one]);
  }

  return {
    candidate,
    exactly(name, version) {
      const there = present.get(name);
      if (there?.version === version) return there;
      const pkg = index.named(name).find((one) => one.version === version);
      return pkg === undefined ? null : make(pkg);
    },
    providers(name) {
      const fromIndex = index
        .providing(name)
        .map(candidate)
        // Only what the newest version stands for counts.
        .filter((one) => one !== null && !one.isInstalled && one.provides.some((provided) => provided.name === name))
        .filter((one) => one !== null);
      return [...(presentProviders.get(name) ?? []), ...fromIndex.toSorted(byWeight)];
    },
    installed: [...present.values()],
    essential: index.essential,
    names: () => index.names(),
    versions: (name) => index.named(name).map(({ version }) => version),
  };
}

function byWeight(a: Candidate, b: Candidate): number {
  const essential = Number(b.indexed?.isEssential ?? false) - Number(a.indexed?.isEssential ?? false);
  if (essential !== 0) return essential;
  const weight = (one: Candidate): number => {
    const at = PRIORITIES.indexOf(one.indexed?.priority ?? '');
    return at < 0 ? PRIORITIES.length : at;
  };
  return weight(a) - weight(b);
}

function newest(all: readonly IndexedPackage[]): IndexedPackage | null {
  let found: IndexedPackage | null = null;
  for (const one of all) if (found === null || compareVersions(one.version, found.version) > 0) found = one;
  return found;
}

function candidateOf(indexed: IndexedPackage, isInstalled: boolean, architecture: string): Candidate {
  const read = (field: string): readonly (readonly Relation[])[] => parseRelations(field, architecture) ?? [];
  return {
    name: indexed.name,
    version: indexed.version,
    isInstalled,
    indexed,
    needs: [...read(indexed.preDepends), ...read(indexed.depends)],
    against: [...read(indexed.conflicts), ...read(indexed.breaks)].flat(),
    provides: read(indexed.provides).flat(),
  };
}

/** Whether a package is what a relation asks for: by its name, or by what it stands for. */
export function fits(candidate: Candidate, { name, operator, version }: Relation): boolean {
  if (candidate.name === name && (operator === null || satisfies(candidate.version, operator, version))) return true;
  return candidate.provides.some((provided) => {
    if (provided.name !== name) return false;
    if (operator === null) return true;
    // What is provided without a version satisfies no relation with one.
    return provided.operator !== null && satisfies(provided.version, operator, version);
  });
}
