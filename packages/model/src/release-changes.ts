/** What an upgrade from one DSS version to another takes away or changes, by the table of release lines alone. */
import { RELEASE_LINES } from './release-table.ts';
import type { ReleaseBehaviour } from './release-table.ts';
import { compareReleases, releaseLine } from './releases.ts';

/** What becomes of an interpreter: `gone` is said only where the interpreters of the new default base are known. */
export interface PythonChange {
  readonly version: string;
  readonly becomes: 'default' | 'optional' | 'gone' | 'unknown';
  /** Runtime addition of DSS that brings it into an env image all the same; null: none is known. */
  readonly addition: string | null;
}

/** A fact before and after; null: unknown. */
export interface FactChange<T> {
  readonly from: T | null;
  readonly to: T | null;
  /** Null where one of the two is unknown. */
  readonly changed: boolean | null;
}

/** What {@link releaseChanges} finds. */
export interface ReleaseChanges {
  readonly from: string;
  readonly to: string;
  /** Whether another major version is entered: then local envs may need an update of their own. */
  readonly major: boolean;
  /** Each interpreter that the old release knew, in its order; empty where nothing is known of the old one. */
  readonly pythons: readonly PythonChange[];
  readonly baseOs: FactChange<string>;
  /** Values of `--distrib` that the new release does not take; null where one of the two is unknown. */
  readonly distributionsGone: readonly string[] | null;
  /** CUDA of the default GPU base. */
  readonly cuda: FactChange<string>;
  /** CUDA versions that could be asked for; null: unknown. */
  readonly cudaRange: FactChange<readonly [least: string, most: string]>;
  /** Behaviours that begin after `from` and not after `to`, oldest first. */
  readonly behaviours: readonly ReleaseBehaviour[];
  /** What nothing is known of, as words for people. */
  readonly unknown: readonly string[];
}

const ADDITIONS: Readonly<Record<string, string>> = {
  '3.6': 'PYTHON36_SUPPORT',
  '3.7': 'PYTHON37_SUPPORT',
  '3.8': 'PYTHON38_SUPPORT',
};

/** What changes between two versions of DSS. Neither is checked: of what is no known version, everything is unknown. */
export function releaseChanges(from: string, to: string): ReleaseChanges {
  const [before, after] = [releaseLine(from), releaseLine(to)];
  const baseOs = factOf(before?.baseOs, after?.baseOs);
  const cuda = factOf(before?.cuda?.default, after?.cuda?.default);
  const distributionsGone =
    before?.distributions && after?.distributions
      ? before.distributions.filter((one) => after.distributions?.includes(one) === false)
      : null;
  const unknown = [
    ...(before?.defaultPythons ? [] : [`interpreters of the default base of DSS ${from}`]),
    ...(after?.defaultPythons ? [] : [`interpreters of the default base of DSS ${to}`]),
    ...(baseOs.changed === null ? ['operating system of the default base'] : []),
    ...(cuda.changed === null ? ['CUDA of the default GPU base'] : []),
  ];
  return {
    from,
    to,
    major: from.split('.')[0] !== to.split('.')[0],
    pythons: pythonsOf(from, to),
    baseOs,
    distributionsGone,
    cuda,
    cudaRange: factOf(before?.cuda?.range, after?.cuda?.range),
    behaviours: RELEASE_LINES.flatMap((line) => line.behaviours).filter(
      ({ since }) => compareReleases(since, from) > 0 && compareReleases(since, to) <= 0,
    ),
    unknown,
  };
}

function pythonsOf(from: string, to: string): PythonChange[] {
  const [before, after] = [releaseLine(from), releaseLine(to)];
  const known = [...(before?.defaultPythons ?? []), ...(before?.optionalPythons ?? [])];
  return known.map((version) => {
    const addition = ADDITIONS[version] ?? null;
    if (after?.defaultPythons?.includes(version) === true) return { version, becomes: 'default', addition };
    if (after?.optionalPythons.includes(version) === true) return { version, becomes: 'optional', addition };
    return { version, becomes: after?.defaultPythons ? 'gone' : 'unknown', addition };
  });
}

function factOf<T>(from: T | null | undefined, to: T | null | undefined): FactChange<T> {
  const known = from !== null && from !== undefined && to !== null && to !== undefined;
  return { from: from ?? null, to: to ?? null, changed: known ? String(from) !== String(to) : null };
}
