/** Rules of releases: which one a base carries, and whether its kit is of that version. */
import type { FileSet } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import { insteadOf } from '../names.ts';
import type { BaseImageConfig } from '../schema.ts';
import type { KitPart, ReleaseFacts } from './facts.ts';
import { partOf, setAt } from './filesets.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Name under which the only `release` of a declaration is known. */
export const ONLY_RELEASE = 'release';

/** Releases by name; under {@link ONLY_RELEASE} where there is one `release`. */
export function readReleases(loaded: Loaded, problems: Problems): ReadonlyMap<string, ReleaseFacts> {
  const { config } = loaded;
  const found = new Map<string, ReleaseFacts>();
  const declared: [string, NonNullable<typeof config.release>, KeyPath][] = Object.entries(config.releases ?? {}).map(
    ([name, release]) => [name, release, ['releases', name]],
  );
  if (config.release !== undefined) declared.push([ONLY_RELEASE, config.release, ['release']]);
  for (const [name, release, path] of declared) {
    const carried = loaded.kitVersions.get(name);
    if (release.kit !== undefined && carried !== undefined && carried !== release.version) {
      problems.add(
        'RELEASE_MISMATCH',
        [...path, 'kit'],
        `The kit \`${release.kit}\` is of DSS \`${carried}\`, but the release is \`${release.version}\``,
        `Name the kit of DSS ${release.version}, or declare version ${carried}.`,
      );
    }
    found.set(name, { name, version: release.version, path, kit: kitParts(setAt(loaded, [...path, 'kit'])) });
  }
  return found;
}

function kitParts(whole: FileSet | null): ReadonlyMap<KitPart, FileSet> {
  const parts = new Map<KitPart, FileSet>();
  if (whole === null) return parts;
  for (const part of ['python', 'R', 'web'] as const) {
    const files = partOf(whole, part);
    if (files.files.length > 0) parts.set(part, files);
  }
  const version = whole.files.filter((file) => file.path === 'dss-version.json');
  if (version.length > 0) parts.set('dss-version.json', { root: whole.root, files: version });
  return parts;
}

/** The release that a base carries: its own, its parent's, or the only one. Null after a diagnostic. */
export function releaseOfBase(
  base: {
    readonly name: string;
    readonly config: BaseImageConfig;
    readonly path: KeyPath;
    readonly parentRelease: ReleaseFacts | null;
    readonly parentName: string | null;
  },
  releases: ReadonlyMap<string, ReleaseFacts>,
  problems: Problems,
): ReleaseFacts | null {
  const { config, path, parentRelease } = base;
  if (config.release !== undefined) {
    const own = releases.get(config.release);
    if (own === undefined || own.path.length === 1) {
      if (problems.removed.touches(['releases'])) return null;
      const names = [...releases.values()].filter((one) => one.path.length > 1).map((one) => one.name);
      problems.add(
        'UNKNOWN_RELEASE',
        [...path, 'release'],
        `There is no release \`${config.release}\``,
        names.length === 0 ? 'Remove it: the only `release` is taken.' : insteadOf(config.release, names, 'release'),
      );
      return null;
    }
    if (parentRelease !== null && parentRelease.version !== own.version) {
      problems.add(
        'RELEASE_MISMATCH',
        [...path, 'release'],
        `\`${base.name}\` is of DSS \`${own.version}\`, but is built on \`${base.parentName}\`, which is of DSS \`${parentRelease.version}\``,
        'Build it on a base of the same release.',
      );
      return null;
    }
    return own;
  }
  if (parentRelease !== null) return parentRelease;
  // What loading took out might have been the one.
  if (problems.removed.touches(['release']) || problems.removed.touches(['releases'])) return null;
  if (releases.size === 1) return [...releases.values()][0] ?? null;
  problems.add(
    'UNKNOWN_RELEASE',
    path,
    `\`${base.name}\` does not say which of the releases it carries`,
    `Add \`release:\` with one of ${[...releases.keys()].map((name) => `\`${name}\``).join(', ')}.`,
  );
  return null;
}
