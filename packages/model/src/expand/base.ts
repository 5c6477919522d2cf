/** Base images: spec and ledger of one base on one platform. */
import { compareBytes, digestOfBytes } from '@rebake/sdk';
import type { FileSet, Image, ImageSpec, NodeId, Platform, Step } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import type { BaseFacts } from '../rules/facts.ts';
import { NO_FILES, setAt } from '../rules/filesets.ts';
import type { PinnedPython, Pins } from '../rules/pins.ts';
import { requirementLines } from '../rules/packages.ts';
import { filesDigest, Ledger, short } from './inputs.ts';
import { debianStep, lockedPackages, pinnedDebian, pinnedPython } from './pins.ts';
import { BUILTIN_ENV, ENTRYPOINT, HOME, homeOf, KIT_PATHS } from './places.ts';

/** Id of a base image. */
export function baseId(name: string, platform: Platform): NodeId {
  return `base/${name}#${platform}` as NodeId;
}

/** Id of an image of somebody else's. */
export function externalId(ref: string, platform: Platform): NodeId {
  return `external/${ref}#${platform}` as NodeId;
}

/** The node of a base. */
export function baseNode(loaded: Loaded, base: BaseFacts, platform: Platform, pins: Pins): Image {
  let spec: ImageSpec | undefined;
  return {
    id: baseId(base.name, platform),
    kind: 'base image',
    role: 'image',
    platform,
    builder: pins.builder,
    inputs: inputsOf(loaded, base, platform, pins),
    parents: parentsOf(base, platform),
    get because() {
      return [loaded.locate(base.path)];
    },
    // Made when somebody asks: what a lock pins is long, and most plans build no base.
    get spec() {
      return (spec ??= specOf(loaded, base, platform, pins));
    },
  };
}

/** Images of somebody else's that a base is built from. */
export function externalsOf(
  base: BaseFacts,
  platform: Platform,
): { readonly ref: string; readonly platform: Platform }[] {
  const { from } = base.config;
  if ('image' in from) return [{ ref: from.image, platform }];
  return [...(base.dockerfile(platform)?.references ?? [])];
}

function parentsOf(base: BaseFacts, platform: Platform): NodeId[] {
  if (base.parent !== null) return [baseId(base.parent.name, platform)];
  return externalsOf(base, platform).map((one) => externalId(one.ref, one.platform));
}

function inputsOf(loaded: Loaded, base: BaseFacts, platform: Platform, { python, debian }: Pins): Image['inputs'] {
  const { config, path, release, parent } = base;
  const at =
    (...more: string[]) =>
    () =>
      loaded.locate([...path, ...more]);
  const ledger = new Ledger<'base image'>();
  ledger.text('release/version', release.version, () => loaded.locate([...release.path, 'version']));
  for (const [part, files] of release.kit)
    ledger.note(`kit/${part}`, {
      digest: filesDigest(files),
      shown: fileCount(files),
      at: () => loaded.locate([...release.path, 'kit']),
    });
  const { from } = config;
  if ('rootfs' in from)
    for (const file of rootfsOf(loaded, base).files)
      ledger.note('from/rootfs', { digest: file.digest, shown: from.rootfs, at: at('from', 'rootfs') });
  if ('dockerfile' in from) {
    ledger.note('from/dockerfile', {
      digest: digestOfBytes(base.dockerfile(platform)?.text ?? ''),
      shown: from.dockerfile,
      at: at('from', 'dockerfile'),
    });
    ledger.files('from/context/', contextOf(loaded, base), at('from', 'context'));
  }
  if ('layout' in from) {
    ledger.files('from/layout/', layoutOf(loaded, base), at('from', 'layout'));
    if (from.name !== undefined) ledger.text('from/name', from.name, at('from', 'name'));
  }
  if (config.type !== 'container-exec') ledger.text('type', config.type, at('type'));
  if (parent === null) ledger.text(`python/${base.builtin}`, 'builtin', at('python'));
  if (python !== null) pinnedPython(ledger, python, path);
  else
    for (const { key, lines, at: place } of base.packages)
      ledger.text(key as `packages/${string}`, lines.join(' | '), place);
  if (debian !== null) pinnedDebian(ledger, debian, path);
  else
    for (const name of new Set(config.systemPackages))
      ledger.text(`system-packages/${name}`, `${name} (${base.family})`, at('systemPackages'));
  if (parent === null || makesUser(base)) ledger.text('user', `${base.user.name}:${base.user.uid}`, at('user'));
  else ledger.text('user', base.user.name, at('user'));
  for (const { place, text } of base.fragments.fragments)
    ledger.note(`fragment/${place}`, { digest: digestOfBytes(text), shown: short(text), at: at('fragments', place) });
  if (base.fragments.fragments.length > 0)
    ledger.files('fragment-files/', base.fragments.files, at('fragments', 'files'));
  return ledger.text('platform', platform, at('platform')).inputs();
}

function fileCount(set: FileSet): string {
  return set.files.length === 1 ? '1 file' : `${set.files.length} files`;
}

function makesUser(base: BaseFacts): boolean {
  return base.parent === null || base.parent.user.name !== base.user.name || base.parent.user.uid !== base.user.uid;
}

function rootfsOf(loaded: Loaded, base: BaseFacts): FileSet {
  const { from } = base.config;
  return 'rootfs' in from ? (setAt(loaded, [...base.path, 'from', 'rootfs']) ?? NO_FILES) : NO_FILES;
}

function layoutOf(loaded: Loaded, base: BaseFacts): FileSet {
  return setAt(loaded, [...base.path, 'from', 'layout']) ?? NO_FILES;
}

function contextOf(loaded: Loaded, base: BaseFacts): FileSet {
  const { from } = base.config;
  return 'dockerfile' in from && from.context !== undefined
    ? (setAt(loaded, [...base.path, 'from', 'context']) ?? NO_FILES)
    : NO_FILES;
}

function specOf(loaded: Loaded, base: BaseFacts, platform: Platform, { python, debian }: Pins): ImageSpec {
  const { config, parent, user, family, fragments } = base;
  const home = homeOf(user.name);
  const names = debian === null ? [...new Set(config.systemPackages)].toSorted(compareBytes) : [];
  const steps: Step[] = [
    ...(debian !== null && parent === null ? [debianStep(debian)] : ground(loaded, base, platform)),
    ...fragmentSteps(base, 'prepend'),
    ...(debian !== null && parent !== null ? [debianStep(debian)] : []),
    ...(names.length > 0 ? [{ step: 'system-packages', family, names } as const] : []),
    ...(makesUser(base) ? [{ step: 'user', name: user.name, uid: user.uid, gid: 0, home } as const] : []),
    ...(parent === null ? builtinSteps(base, python) : addedSteps(base, python)),
    // What DSS itself brings comes last: it changes with every release, and what is below it does not.
    ...(parent === null ? kitSteps(base) : []),
    ...(fragments.fragments.length > 0 ? fragmentSteps(base, 'append') : []),
  ];
  if (parent !== null) {
    return { steps, env: makesUser(base) ? { DIP_HOME: `${home}/fake_dip_home` } : {}, user: user.name, workdir: home };
  }
  return {
    steps,
    env: { ...KIT_PATHS, DIP_HOME: `${home}/fake_dip_home` },
    user: user.name,
    workdir: home,
    // That of the other types is not known; what they start from brings it.
    ...(config.type === 'container-exec' && { entrypoint: ENTRYPOINT }),
  };
}

function ground(loaded: Loaded, base: BaseFacts, platform: Platform): Step[] {
  const { from } = base.config;
  if ('rootfs' in from) return [{ step: 'rootfs', files: rootfsOf(loaded, base) }];
  if ('layout' in from) return [{ step: 'layout', files: layoutOf(loaded, base), name: from.name ?? null }];
  const read = base.dockerfile(platform);
  if (read === null) return [];
  return [
    {
      step: 'dockerfile',
      text: read.text,
      files: contextOf(loaded, base),
      froms: read.references.map((one) => one.ref),
    },
  ];
}

function fragmentSteps(base: BaseFacts, place: string): Step[] {
  const { fragments, files } = base.fragments;
  return fragments.filter((one) => one.place === place).map(({ text }) => ({ step: 'fragment', place, text, files }));
}

function builtinSteps(base: BaseFacts, python: PinnedPython | null): Step[] {
  return [
    builtinEnv(base, python),
    { step: 'link', folder: `${HOME}/bin`, name: 'python', target: `${BUILTIN_ENV}/bin/python` },
  ];
}

/** Packages on top of those of the base below: the environment that is there is taken again, and pip replaces what it has to. */
function addedSteps(base: BaseFacts, python: PinnedPython | null): Step[] {
  return base.packages.length === 0 ? [] : [builtinEnv(base, python)];
}

function builtinEnv(base: BaseFacts, python: PinnedPython | null): Step {
  return {
    step: 'python-env',
    prefix: BUILTIN_ENV,
    interpreter: base.builtin,
    packages: python === null ? { requirements: requirementLines(base.packages) } : lockedPackages(python),
    bytecode: true,
  };
}

function kitSteps(base: BaseFacts): Step[] {
  return [...base.release.kit].map(([part, files]) => ({
    step: 'copy',
    files,
    to: part === 'dss-version.json' ? HOME : `${HOME}/${part}`,
    owner: 'root:root',
  }));
}
