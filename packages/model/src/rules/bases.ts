/** Rules of base images: what each one has, its parent's included. */
import type { Family, Platform } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import { readDockerfile } from '../dockerfile.ts';
import type { DockerfileFacts } from '../dockerfile.ts';
import { isReference, listed } from '../names.ts';
import { releaseLine } from '../releases.ts';
import type { BaseImageConfig } from '../schema.ts';
import { buildEnvFiles } from './build-env.ts';
import { basesInOrder, parentName } from './base-order.ts';
import { builderFor } from './builders.ts';
import type { BuildersFacts } from './builders.ts';
import { debsOf, isDebName, suitePython } from './debian.ts';
import type { BaseFacts, ReleaseFacts } from './facts.ts';
import { readFragments } from './fragments.ts';
import { glibcOf } from './glibc.ts';
import { laterInBase } from './later.ts';
import { readPackages } from './packages.ts';
import { placedFile } from './problems.ts';
import type { KeyPath, Problems } from './problems.ts';
import { releaseOfBase } from './releases.ts';

const DEFAULT_USER = { name: 'dataiku', uid: 500 };

/** Sound bases by name, parents before children. */
export function readBases(
  loaded: Loaded,
  releases: ReadonlyMap<string, ReleaseFacts>,
  builders: BuildersFacts,
  problems: Problems,
): ReadonlyMap<string, BaseFacts> {
  const found = new Map<string, BaseFacts>();
  for (const name of basesInOrder(loaded, problems)) {
    const parent = parentName(loaded, name);
    const facts = parent === null ? null : found.get(parent);
    // Its parent was diagnosed already.
    if (facts === undefined) continue;
    const base = readBase(loaded, name, facts, releases, builders, problems);
    if (base !== null) found.set(name, base);
  }
  return found;
}

function readBase(
  loaded: Loaded,
  name: string,
  parent: BaseFacts | null,
  releases: ReadonlyMap<string, ReleaseFacts>,
  builders: BuildersFacts,
  problems: Problems,
): BaseFacts | null {
  const config = loaded.config.baseImages[name];
  if (config === undefined) return null;
  const path: KeyPath = ['baseImages', name];
  const before = problems.errors;
  const release = releaseOfBase(
    { name, config, path, parentRelease: parent?.release ?? null, parentName: parent?.name ?? null },
    releases,
    problems,
  );
  if ('image' in config.from && !isReference(config.from.image)) {
    problems.add('BAD_REFERENCE', [...path, 'from', 'image'], `\`${config.from.image}\` is no image reference`);
  }
  const platform = config.platform ?? parent?.platform ?? null;
  if (parent?.platform && platform !== parent.platform) {
    problems.add(
      'PLATFORM_MISMATCH',
      [...path, 'platform'],
      `\`${name}\` is for ${platform}, but is built on \`${parent.name}\`, which is for ${parent.platform}`,
    );
  }
  const dockerfile = dockerfileReader(loaded, config, path);
  const read = dockerfile(platform ?? 'linux/amd64');
  if (read !== null) noteDockerfile(loaded, read, path, problems);
  const pythons = release === null ? [] : pythonsOf(config, parent, release);
  if (release !== null) noteDebianPython(config, pythons, path, problems);
  const builtin = parent?.builtin ?? pythons[0];
  if (release !== null && builtin === undefined) {
    problems.add(
      'BASE_WITHOUT_PYTHON',
      path,
      `Nothing says which Python is in \`${name}\`, and DSS runs with one`,
      'Add `python:` with the versions that are in the image, the one for the builtin environment first.',
    );
  }
  const fragments = readFragments(
    loaded,
    [...path, 'fragments'],
    [
      ['prepend', 'prepend', config.fragments.prepend],
      ['append', 'append', config.fragments.append],
    ],
    problems,
    buildEnvFiles(loaded, config, path, problems),
  );
  const packages =
    config.packages === undefined
      ? []
      : readPackages(loaded, config.packages, [...path, 'packages'], 'python', problems);
  const builder = builderFor(config.builder, path, builders, problems);
  laterInBase(config, path, parent !== null && builders.isLocking(builder), problems);
  const debs = debsOf(config, parent, pythons, builders.isLocking(builder));
  const odd = debs.find((one) => !isDebName(one));
  if (odd !== undefined)
    problems.add(
      'REQUIREMENT_INVALID',
      [...path, config.systemPackages.includes(odd) ? 'systemPackages' : 'from'],
      `\`${odd}\` is no name of a Debian package (their versions are those of the lock)`,
    );
  if (problems.errors > before || release === null || builtin === undefined) return null;
  const ownUser = config.user.name !== DEFAULT_USER.name || config.user.uid !== DEFAULT_USER.uid;
  return {
    name,
    config,
    path,
    parent,
    release,
    pythons,
    builtin,
    r: config.r ?? parent?.r ?? false,
    suite: 'debian' in config.from ? config.from.debian.suite : (parent?.suite ?? null),
    debs,
    glibc: glibcOf(config, parent, read),
    user: parent === null || ownUser ? config.user : parent.user,
    family: config.family ?? parent?.family ?? guessFamily(config, read),
    platform,
    builder,
    fragments,
    packages,
    dockerfile,
  };
}

/** A base of Debian packages has the Python of its suite, or none. */
function noteDebianPython(
  { from, python }: BaseImageConfig,
  pythons: readonly string[],
  path: KeyPath,
  problems: Problems,
): void {
  if (!('debian' in from)) return;
  const offered = suitePython(from.debian.suite);
  const lacking = pythons.filter((one) => one !== offered);
  if (offered === null || lacking.length === 0) return;
  problems.add(
    'DEBIAN_WITHOUT_PYTHON',
    [...path, ...(python === undefined ? ['from', 'debian'] : ['python'])],
    `Debian ${from.debian.suite} has Python ${offered}, and not ${listed(lacking)}`,
    `Write \`python: ["${offered}"]\`, or choose another suite or another kind of base.`,
  );
}

function pythonsOf(config: BaseImageConfig, parent: BaseFacts | null, release: ReleaseFacts): readonly string[] {
  const own = config.python ?? (parent === null ? defaultPythons(config, release) : []);
  return [...new Set([...(parent?.pythons ?? []), ...own])];
}

function defaultPythons({ from }: BaseImageConfig, release: ReleaseFacts): readonly string[] {
  const offered = 'debian' in from ? suitePython(from.debian.suite) : null;
  return offered === null ? (releaseLine(release.version)?.defaultPythons ?? []) : [offered];
}

function dockerfileReader(loaded: Loaded, config: BaseImageConfig, path: KeyPath): BaseFacts['dockerfile'] {
  const { from } = config;
  if (!('dockerfile' in from)) return () => null;
  const file = loaded.texts.get([...path, 'from', 'dockerfile'].join('.'));
  const cache = new Map<Platform, DockerfileFacts>();
  return (platform) => {
    if (file === undefined) return null;
    const known = cache.get(platform) ?? readDockerfile(file.text, { platform, args: from.args, target: from.target });
    cache.set(platform, known);
    return known;
  };
}

function noteDockerfile(loaded: Loaded, read: DockerfileFacts, path: KeyPath, problems: Problems): void {
  const filePath = [...path, 'from', 'dockerfile'];
  const file = loaded.texts.get(filePath.join('.'));
  if (file === undefined) return;
  const placed = placedFile(loaded, file, filePath);
  for (const { code, line, message } of read.problems) problems.addAt(code, placed.at(line), message);
}

const RHEL = /alma|rocky|centos|rhel|redhat|ubi\d|fedora|oracle|amazonlinux|\bel\d/i;

/** Family by the names that are there; Debian where they say nothing. */
function guessFamily(config: BaseImageConfig, dockerfile: DockerfileFacts | null): Family {
  const { from, distribution } = config;
  if (distribution !== undefined) return RHEL.test(distribution) ? 'rhel' : 'debian';
  if ('image' in from) return RHEL.test(from.image) ? 'rhel' : 'debian';
  if ('rootfs' in from) return RHEL.test(from.rootfs) ? 'rhel' : 'debian';
  if ('layout' in from) return RHEL.test(from.layout) ? 'rhel' : 'debian';
  return RHEL.test(dockerfile?.references.at(-1)?.ref ?? '') ? 'rhel' : 'debian';
}
