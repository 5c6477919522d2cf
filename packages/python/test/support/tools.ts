/** Programs of others that tests compare with: Python of this machine, and uv and `packaging` from its index. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  lstatSync,
  readlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Found, ImageFs } from '@rebake/layers';

/** A Python of this machine. */
export interface HostPython {
  /** The file itself, absolute. */
  readonly path: string;
  /** `3.11`. */
  readonly version: string;
  readonly full: string;
}

/** The `python3` of this machine that has its standard library beside it. */
export function hostPython(): HostPython {
  const code = 'import sys; print(sys.base_prefix, "%d.%d" % sys.version_info[:2], sys.version.split()[0])';
  const [prefix = '', version = '', full = ''] = execFileSync('python3', ['-I', '-c', code], { encoding: 'utf8' })
    .trim()
    .split(' ');
  return { path: realpathSync(join(prefix, 'bin', `python${version}`)), version, full };
}

/** Folder with `uv` and `packaging`, installed from the machine's index once. */
export function pythonTools(): { readonly uv: string; readonly folder: string } {
  const folder = join(tmpdir(), 'rebake-test-python-tools');
  const uv = join(folder, 'bin', 'uv');
  if (!existsSync(uv)) {
    const fresh = `${folder}.${process.pid}`;
    execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--target', fresh, 'uv', 'packaging'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  }
  return { uv, folder };
}

/** Wheels of packages and of what they need, from the machine's index, once for all runs. Paths, sorted. */
export function downloadWheels(name: string, packages: readonly string[]): readonly string[] {
  const folder = join(tmpdir(), `rebake-test-wheels-${name}`);
  if (!existsSync(folder)) {
    const fresh = `${folder}.${process.pid}`;
    mkdirSync(fresh);
    execFileSync(
      'python3',
      ['-m', 'pip', 'download', '--quiet', '--only-binary', ':all:', '--dest', fresh, ...packages],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    renameSync(fresh, folder);
  }
  return readdirSync(folder)
    .filter((file) => file.endsWith('.whl'))
    .toSorted()
    .map((file) => join(folder, file));
}

/** The file system of this machine as an image. */
export function hostFs(): ImageFs {
  const found = (path: string): Found | null => {
    try {
      const real = realpathSync(`/${path}`);
      const stats = statSync(real);
      const { mode, uid, gid, size } = stats;
      const type = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
      return { path: real.slice(1), type, mode: mode & 0o7777, uid, gid, size };
    } catch {
      return null;
    }
  };
  const walk = (folder: string, choose: (path: string) => boolean, to: string): number => {
    let count = 0;
    for (const entry of readdirSync(`/${folder}`, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) count += walk(path, choose, to);
      else if (choose(path)) {
        const target = join(to, path);
        mkdirSync(dirname(target), { recursive: true });
        if (existsSync(target) || isLink(target)) rmSync(target);
        if (entry.isSymbolicLink()) symlinkSync(readlinkSync(`/${path}`), target);
        else copyFileSync(`/${path}`, target);
        count++;
      }
    }
    return count;
  };
  return {
    stat: async (path) => Promise.resolve(found(path)),
    read: async (path) => Promise.resolve(found(path)?.type === 'file' ? readFileSync(`/${path}`) : null),
    list: async (path) => Promise.resolve(found(path)?.type === 'directory' ? readdirSync(`/${path}`).toSorted() : []),
    extract: async (folder, choose) => {
      const python = hostPython();
      const prefix = dirname(dirname(python.path)).slice(1);
      const places = new Set(
        ['usr/lib', 'usr/lib64', `${prefix}/lib`, `${prefix}/bin`].flatMap((path) => found(path)?.path ?? []),
      );
      let count = 0;
      for (const place of places) count += walk(place, choose, folder);
      return Promise.resolve(count);
    },
  };
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
