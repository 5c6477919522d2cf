// A project on the embedded builder, as a user has it: a config, the installed command, a cache. It can be put back to how it was before.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCache } from '@rebake/cache';
import type { LockedPackage } from '@rebake/image';
import { parsePylock } from '@rebake/image/locks';
import { unpackWheel } from '@rebake/python';
import { rebake } from '../processes.ts';
import { ended, type Ended } from './commands.ts';

/** One environment. */
export interface Env {
  readonly requirements: readonly string[];
  readonly bytecode: boolean;
  /** Bases of its images. */
  readonly bases: readonly string[];
}

export interface ProjectOptions {
  /** Root of the repository. */
  readonly root: string;
  readonly dir: string;
  /** `host[:port]/path` that images go to. */
  readonly url: string;
  readonly compression: 'gzip' | 'zstd';
  /** Name of a base → path of the tar with its root file system. Each has a repository of its name. */
  readonly bases: Readonly<Record<string, string>>;
  /** Path of uv. */
  readonly uv: string;
  /** More of the environment of the command. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Project {
  /** Writes the config. `url`: another place that images go to. */
  declare(envs: Readonly<Record<string, Env>>, url?: string): void;
  /** The command, in the project. `more`: more of its environment. */
  run(args: readonly string[], more?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Keeps the project and its cache as they are under a name. */
  save(name: string): void;
  /** Puts both back. */
  restore(name: string): void;
  /** Adds to a saved cache the wheels that packages were installed from, unpacked as uv keeps them too, and nothing that was made of them. */
  addPackages(name: string): Promise<void>;
}

/** Makes the folder. */
export function createProject(options: ProjectOptions): Project {
  const { root, dir } = options;
  const [project, cache, tmp] = [join(dir, 'project'), join(dir, 'cache'), join(dir, 'tmp')];
  for (const folder of [project, cache, tmp]) mkdirSync(folder, { recursive: true });
  for (const [name, tar] of Object.entries(options.bases)) cpSync(tar, join(project, `${name}.tar`));
  const env = { REBAKE_CACHE_DIR: cache, REBAKE_UV: options.uv, UV_CACHE_DIR: join(dir, 'uv'), ...options.env };
  const saved = (name: string): string => join(dir, 'saved', name);

  return {
    declare(envs, url = options.url) {
      writeFileSync(join(project, 'rebake.yaml'), configOf({ ...options, url }, envs));
    },
    run: async (args, more) => {
      const command = rebake(root, tmp, project, ...args);
      return ended({ ...command, env: { ...command.env, ...env, ...more } });
    },
    save(name) {
      rmSync(saved(name), { recursive: true, force: true });
      cpSync(project, join(saved(name), 'project'), { recursive: true, verbatimSymlinks: true });
      cpSync(cache, join(saved(name), 'cache'), { recursive: true, verbatimSymlinks: true });
    },
    restore(name) {
      for (const [folder, part] of [
        [project, 'project'],
        [cache, 'cache'],
      ] as const) {
        rmSync(folder, { recursive: true, force: true });
        cpSync(join(saved(name), part), folder, { recursive: true, verbatimSymlinks: true });
      }
    },
    async addPackages(name) {
      const from = openCache(cache);
      const to = openCache(join(saved(name), 'cache'));
      try {
        for (const { name, version, wheels } of lockedIn(project)) {
          for (const { digest, name: file } of wheels) {
            const size = await from.has(digest);
            // Of a package only one file was taken.
            if (size === null) continue;
            const bring = async (): Promise<void> => to.write({ digest, size }, from.read(digest));
            await unpackWheel(to, { digest, expected: { file, name, version } }, bring, new AbortController().signal);
          }
        }
      } finally {
        await from.close();
        await to.close();
      }
    },
  };
}

function lockedIn(project: string): readonly LockedPackage[] {
  const read = parsePylock(readFileSync(join(project, 'pylock.one.toml'), 'utf8'));
  if (!read.ok) throw new Error(read.message);
  return read.lock.packages;
}

function configOf({ url, compression, bases }: ProjectOptions, envs: Readonly<Record<string, Env>>): string {
  const quoted = JSON.stringify;
  const names = Object.keys(bases);
  return `${[
    'version: 1',
    'release: { version: 14.1.2 }',
    `registries: { local: { url: ${quoted(url)} } }`,
    'baseImages:',
    ...names.map((name) => `  ${name}: { type: container-exec, from: { rootfs: ./${name}.tar }, python: ["3.11"] }`),
    'containerConfigs:',
    ...names.map((name) => `  ${name}: { engine: kubernetes, base: ${name}, registry: local, repository: ${name} }`),
    `codeEnvs:${Object.keys(envs).length === 0 ? ' {}' : ''}`,
    ...Object.entries(envs).map(
      ([name, env]) =>
        `  ${name}: { language: python, interpreter: "3.11", corePackages: { install: false }, packages: ${quoted(env.requirements)}, ` +
        `bytecode: ${env.bytecode}, containerConfigs: ${quoted(env.bases)} }`,
    ),
    `builders: { default: { type: oci, options: { compression: ${compression} } } }`,
  ].join('\n')}\n`;
}
