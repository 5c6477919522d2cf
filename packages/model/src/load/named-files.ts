/** Lists every file that a declaration names, and what each is needed for. */
import type { Config } from '../schema.ts';
import type { KeyPath } from './source.ts';

/**
 * What is done with a named file: `text` is read, `file` and `folder` are hashed, `either` is whichever it is, `several` are hashed together
 * under their paths from the config's folder, `present` is only looked at.
 */
export type FileUse = 'text' | 'file' | 'folder' | 'either' | 'several' | 'present' | 'confined';

/** A file (or several) as named by a declaration. */
export interface NamedFile {
  readonly path: KeyPath;
  readonly use: FileUse;
  readonly names: readonly string[];
  /** Whether an absolute path may lead out of the config's folder: for what is a fact of the machine, or too big to move. */
  readonly anywhere: boolean;
  /** Files and folders of a folder that count; absent: all. Missing ones do not count. */
  readonly parts?: readonly string[];
  /** Dockerfile whose `.dockerignore` holds for a context. */
  readonly dockerfile?: string;
}

/** What images take from a DSS installation: it is big, and only this of it counts. */
export const KIT_PARTS = ['python', 'R', 'web', 'dss-version.json'] as const;

type Fragment = string | { readonly file: string } | undefined;
type Packages = readonly string[] | { readonly file: string } | undefined;

/** Lists them, in the order of the declaration's sections. */
export function namedFiles(config: Config): NamedFile[] {
  const found: NamedFile[] = [];
  const add = (path: KeyPath, use: FileUse, name: string | undefined, more: Partial<NamedFile> = {}): void => {
    if (name !== undefined) found.push({ path, use, names: [name], anywhere: false, ...more });
  };
  const fragments = (path: KeyPath, places: Readonly<Record<string, Fragment | readonly string[]>>): void => {
    for (const [place, value] of Object.entries(places)) {
      if (typeof value === 'object' && 'file' in value) add([...path, place, 'file'], 'text', value.file);
    }
    const { files } = places;
    if (Array.isArray(files) && files.length > 0) {
      found.push({ path: [...path, 'files'], use: 'several', names: files as readonly string[], anywhere: false });
    }
  };
  const packages = (path: KeyPath, value: Packages): void => {
    if (value !== undefined && 'file' in value) add([...path, 'file'], 'text', value.file);
  };
  const machine = { anywhere: true };

  for (const [path, release] of releases(config)) {
    add([...path, 'kit'], 'folder', release.kit, { anywhere: true, parts: KIT_PARTS });
  }
  for (const [name, registry] of Object.entries(config.registries)) {
    add(['registries', name, 'ca'], 'present', registry.ca, machine);
    add(['registries', name, 'prePush', 'script'], 'present', registry.prePush?.script, machine);
  }
  for (const [name, base] of Object.entries(config.baseImages)) {
    const path = ['baseImages', name];
    const { from } = base;
    if ('rootfs' in from) add([...path, 'from', 'rootfs'], 'file', from.rootfs, machine);
    if ('layout' in from) add([...path, 'from', 'layout'], 'either', from.layout, machine);
    if ('debian' in from) add([...path, 'from', 'debian', 'keyring'], 'present', from.debian.keyring, machine);
    if ('dockerfile' in from) {
      add([...path, 'from', 'dockerfile'], 'text', from.dockerfile);
      add([...path, 'from', 'context'], 'folder', from.context, { dockerfile: from.dockerfile });
    }
    fragments([...path, 'fragments'], base.fragments);
    for (const [index, copy] of base.copyToBuildenv.entries()) {
      add([...path, 'copyToBuildenv', index, 'from'], 'either', copy.from);
    }
    packages([...path, 'packages'], base.packages);
    for (const key of ['plugins', 'drivers'] as const) {
      for (const [index, folder] of base[key].entries()) add([...path, key, index], 'present', folder, machine);
    }
  }
  for (const [name, one] of Object.entries(config.containerConfigs)) {
    add(['containerConfigs', name, 'prePush', 'script'], 'present', one.prePush?.script, machine);
  }
  for (const [name, env] of Object.entries(config.codeEnvs)) {
    const contents: [KeyPath, CodeEnvContents][] = [[['codeEnvs', name], env]];
    for (const [version, one] of Object.entries(env.versions ?? {})) {
      contents.push([['codeEnvs', name, 'versions', version], one]);
    }
    for (const [path, one] of contents) {
      packages([...path, 'packages'], one.packages);
      packages([...path, 'conda', 'packages'], one.conda?.packages);
      if (one.resources !== 'none') {
        if (one.resources.mode === 'copy') add([...path, 'resources', 'dir'], 'folder', one.resources.dir);
        else add([...path, 'resources', 'script'], 'file', one.resources.script);
      }
      fragments([...path, 'fragments'], one.fragments);
      add([...path, 'lock'], 'confined', one.lock);
      add([...path, 'pins'], 'text', one.pins);
    }
  }
  for (const [name, one] of Object.entries(config.sparkConfigs)) {
    add(['sparkConfigs', name, 'prePush', 'script'], 'present', one.prePush?.script, machine);
  }
  for (const [name, one] of Object.entries(config.codeStudioTemplates)) {
    fragments(['codeStudioTemplates', name, 'fragments'], one.fragments);
  }
  for (const [name, one] of Object.entries(config.apiServices)) {
    add(['apiServices', name, 'package'], 'present', one.package, machine);
  }
  for (const [name, one] of Object.entries(config.instances)) {
    add(['instances', name, 'ca'], 'present', one.ca, machine);
  }
  packages(['builtinEnv', 'packages'], config.builtinEnv?.packages);
  return found;
}

type CodeEnvContents = Pick<
  Config['codeEnvs'][string],
  'packages' | 'conda' | 'resources' | 'fragments' | 'lock' | 'pins'
>;

/** Releases with their paths of keys; the only `release` first. */
export function releases(config: Config): [KeyPath, NonNullable<Config['release']>][] {
  const found: [KeyPath, NonNullable<Config['release']>][] = [];
  if (config.release !== undefined) found.push([['release'], config.release]);
  for (const [name, release] of Object.entries(config.releases ?? {})) found.push([['releases', name], release]);
  return found;
}
