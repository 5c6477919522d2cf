/** The interpreter of an image, and the folders that an environment is put into. */
import type { Cache } from '@rebake/cache';
import { digestOf } from '@rebake/image';
import type { Found, ImageFs } from '@rebake/layers';
import { failure } from '../failures.ts';
import type { PythonEnvRequest } from '../types.ts';

/** An interpreter in an image. Paths of the image have no leading slash where they are called real. */
export type Interpreter = {
  /** As it is called: absolute. */
  readonly path: string;
  /** Where the file really is. */
  readonly real: string;
};

/** Mode and owner of a folder that is in the parent. */
export type Folder = { readonly path: string; readonly mode: number; readonly uid: number; readonly gid: number };

/** Where an environment is put. */
export type Ground = {
  readonly interpreter: Interpreter;
  /** The prefix without a leading slash, links of the parent followed. */
  readonly prefix: string;
  /** The folders above the prefix and itself, the uppermost first. */
  readonly folders: readonly Folder[];
};

/** Looks once an image and request. Rejects with `INTERPRETER_MISSING`. */
export async function findGround(request: PythonEnvRequest, cache: Cache, signal: AbortSignal): Promise<Ground> {
  const { identity, interpreter, path, prefix } = request;
  return cache.once<Ground>(
    'python-ground',
    digestOf([GROUND_VERSION, identity, interpreter, path, prefix]),
    async () => ({ value: await look(request), blobs: [] }),
    signal,
  );
}

const GROUND_VERSION = 1;

async function look({ fs, interpreter, path, prefix }: PythonEnvRequest): Promise<Ground> {
  const found = await interpreterOf(fs, interpreter, path);
  if (found === null) {
    throw failure(
      'INTERPRETER_MISSING',
      `the image below has no python${interpreter} in ${path.join(':') || 'its PATH'}: add that version of Python to its base`,
    );
  }
  return { interpreter: found, ...(await foldersOf(fs, prefix)) };
}

async function interpreterOf(fs: ImageFs, version: string, path: readonly string[]): Promise<Interpreter | null> {
  for (const folder of path) {
    if (!folder.startsWith('/')) continue;
    const at = `${folder.replace(/\/+$/, '')}/python${version}`;
    const file = await fs.stat(at.slice(1));
    if (file?.type === 'file' && (file.mode & 0o111) !== 0) return { path: at, real: file.path };
  }
  return null;
}

/** Folders that are not there are root's, as a package manager would make them. */
async function foldersOf(fs: ImageFs, prefix: string): Promise<{ prefix: string; folders: readonly Folder[] }> {
  const folders: Folder[] = [];
  let at = '';
  for (const part of prefix.split('/').filter((name) => name !== '')) {
    const next: string = at === '' ? part : `${at}/${part}`;
    const there: Found | null = await fs.stat(next);
    at = there?.type === 'directory' ? there.path : next;
    if (there !== null && there.type !== 'directory') {
      throw failure(
        'INTERPRETER_MISSING',
        `the image below has a file at /${next}, where an environment is to be: choose another prefix`,
      );
    }
    // Where links were followed, the folders on that way are there, and stay as they are.
    folders.push({ path: at, mode: there?.mode ?? 0o755, uid: there?.uid ?? 0, gid: there?.gid ?? 0 });
  }
  return { prefix: at, folders };
}

/**
 * The whole version of an interpreter, such as `3.11.2`, as it stands in its file or in its library; null when it is not found. For markers that
 * ask for it: nothing is run for them.
 */
export async function fullVersion(fs: ImageFs, { real }: Interpreter, version: string): Promise<string | null> {
  const pattern = new RegExp(`\\0(${version.replace('.', '\\.')}\\.\\d+(?:(?:a|b|rc)\\d+)?)\\+?\\0`);
  const root = real.replace(/\/?[^/]+\/[^/]+$/, '');
  const folders = ['lib', 'lib64', 'lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu'];
  const libraries = folders.map((folder) => `${root === '' ? '' : `${root}/`}${folder}/libpython${version}`);
  for (const file of [real, ...libraries.flatMap((library) => [`${library}.so.1.0`, `${library}m.so.1.0`])]) {
    const bytes = await fs.read(file, 64 << 20);
    const match = bytes === null ? null : pattern.exec(Buffer.from(bytes).toString('latin1'));
    if (match?.[1] !== undefined) return match[1];
  }
  return null;
}
