/** Versions of DSS: their form, their order, and the release line that each belongs to. */
import { RELEASE_LINES } from './release-table.ts';
import type { ReleaseLine } from './release-table.ts';

const VERSION = /^(?<major>[0-9]{1,3})\.(?<minor>[0-9]{1,3})\.(?<patch>[0-9]{1,3})(?:[-.][0-9A-Za-z]{1,20}){0,3}$/;

/** Whether a text is a DSS version as `dss-version.json` writes it: three numbers, perhaps a suffix (`14.1.2`, `15.0.0-beta1`). */
export function isReleaseVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Order of two versions by their numbers; what is no version comes first, and suffixes do not count. */
export function compareReleases(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (const [index, number] of left.entries()) {
    const difference = number - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): readonly number[] {
  const groups = VERSION.exec(version)?.groups;
  return ['major', 'minor', 'patch'].map((part) => Number(groups?.[part] ?? -1));
}

/** The line that a version belongs to; null where nothing is known of it. */
export function releaseLine(version: string): ReleaseLine | null {
  const [major] = numbersOf(version);
  return RELEASE_LINES.find((line) => line.major === major) ?? null;
}

/** A sentence on the interpreters of a release's default base, for help lines; empty where they are unknown. */
export function defaultPythonsSentence(version: string | null): string {
  const line = version === null ? null : releaseLine(version);
  if (!line?.defaultPythons) return '';
  return ` The default base of DSS ${line.major} has Python ${line.defaultPythons.join(', ')}: an upgrade may remove an interpreter.`;
}
