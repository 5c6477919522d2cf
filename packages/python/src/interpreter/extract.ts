/** An interpreter of an image on this machine: the files of it that compiling takes, and how it is started without the image. */
import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { compareBytes, digestOf, type Digest } from '@rebake/image';
import type { Cache } from '@rebake/cache';
import type { ImageFs } from '@rebake/layers';
import { failure, wordsOf } from '../failures.ts';
import { ELF_MACHINES, readElf, type Elf } from './elf.ts';
import type { Interpreter } from './find.ts';

/** What starts an interpreter. */
export interface Runnable {
  /** Of what decides which bytecode comes out: the interpreter, its library and codecs. */
  readonly id: Digest;
  /** Program and first arguments: the loader, where to find libraries, the interpreter. */
  readonly command: readonly [string, ...string[]];
  /** PYTHONHOME. */
  readonly home: string;
  /** An empty folder to be in. */
  readonly folder: string;
}

/** Folders that loaders look into, real ones of an image; those with the machine's name first. */
const LIBRARY_FOLDERS = ['lib', 'lib64', 'usr/lib', 'usr/lib64', 'usr/local/lib', 'usr/local/lib64'];
const MULTIARCH: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** Takes the interpreter out of the image, into a folder of its own below the cache. Rejects with `BYTECODE_UNAVAILABLE`. */
export async function extractInterpreter(
  fs: ImageFs,
  interpreter: Interpreter,
  version: string,
  cache: Cache,
  signal: AbortSignal,
): Promise<Runnable> {
  const refuse = (words: string, cause?: unknown): Error =>
    failure(
      'BYTECODE_UNAVAILABLE',
      `python${version} of the image cannot make bytecode here: ${words}. Set \`bytecode: false\`, or build on a machine of the image's platform`,
      cause,
    );
  if (process.platform !== 'linux') throw refuse(`it is a program of Linux, and this is ${process.platform}`);
  const folder = await mkdtemp(join(await cache.scratch(), 'python-'));
  const root = join(folder, 'root');
  const run = join(folder, 'run');
  const libs = join(folder, 'libs');
  await Promise.all([root, run, libs].map(async (path) => mkdir(path)));
  const { real } = interpreter;
  const base = posix.dirname(posix.dirname(real)) === '.' ? '' : posix.dirname(posix.dirname(real));
  const below = (path: string): string => (base === '' ? path : `${base}/${path}`);
  const standard = await firstOf(fs, [below(`lib/python${version}/os.py`), below(`lib64/python${version}/os.py`)]);
  if (standard === null) throw refuse('its standard library is not beside it');
  const library = posix.dirname(standard);
  const folders = await libraryFolders(fs, real);
  try {
    await fs.extract(
      root,
      (path) => path === real || isStandard(path, library) || isLikely(path, folders, version),
      signal,
    );
    const loader = await closure(fs, { root, libs, real, folders }, signal);
    return {
      id: identityOf(root, real, library, libs, version),
      command: [loader, '--library-path', libs, join(root, real)],
      home: join(root, base),
      folder: run,
    };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    if (thrown instanceof MissingPart) throw refuse(thrown.message, thrown);
    throw thrown;
  }
}

class MissingPart extends Error {}

/** Modules that an interpreter needs to start, and those of codecs and of names of characters, which sources are written in. */
function isStandard(path: string, library: string): boolean {
  if (!path.startsWith(`${library}/`)) return false;
  const rest = path.slice(library.length + 1);
  if (EXTENSION.test(rest)) return true;
  return rest.endsWith('.py') && (!rest.includes('/') || /^(?:encodings|collections|importlib|re)\/[^/]+$/.test(rest));
}

const EXTENSION = /^lib-dynload\/(?:unicodedata|_codecs_[a-z]+|_multibytecodec)\.[^/]*so$/;

/** Libraries that nearly every build of Python needs: taken at once, so that layers are read once. */
function isLikely(path: string, folders: readonly string[], version: string): boolean {
  return (
    folders.includes(posix.dirname(path)) &&
    (LIKELY.test(basename(path)) || basename(path).startsWith(`libpython${version}`))
  );
}

const LIKELY =
  /^(?:ld-(?:linux|musl).*|ld-[\d.]+\.so|lib(?:c|m|dl|pthread|util|rt|z|expat|crypt)(?:-[\d.]+)?\.so(?:\.[\d.]+)?)$/;

async function firstOf(fs: ImageFs, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const found = await fs.stat(path);
    if (found?.type === 'file') return found.path;
  }
  return null;
}

async function libraryFolders(fs: ImageFs, real: string): Promise<readonly string[]> {
  const multiarch = MULTIARCH[process.arch];
  const beside = posix.join(posix.dirname(posix.dirname(real)), 'lib');
  const all = [
    ...(multiarch === undefined ? [] : LIBRARY_FOLDERS.map((folder) => `${folder}/${multiarch}`)),
    ...LIBRARY_FOLDERS,
    beside,
  ];
  const found: string[] = [];
  for (const path of all) {
    const folder = await fs.stat(path);
    if (folder?.type === 'directory' && !found.includes(folder.path)) found.push(folder.path);
  }
  return found;
}

interface Place {
  readonly root: string;
  readonly libs: string;
  readonly real: string;
  readonly folders: readonly string[];
}

/** Puts all libraries that the interpreter needs into one folder, by the names that it knows them by. Returns the loader. */
async function closure(fs: ImageFs, place: Place, signal: AbortSignal): Promise<string> {
  const { root, libs, real, folders } = place;
  const program = readElf(await readFile(join(root, real)));
  if (program === null) throw new MissingPart('it is no program of a 64-bit machine');
  if (program.machine !== ELF_MACHINES[process.arch])
    throw new MissingPart('it is a program of another kind of machine');
  if (program.loader === null) throw new MissingPart('it is linked statically');
  const loader = await take(fs, root, [program.loader.slice(1)], signal);
  if (loader === null) throw new MissingPart(`its loader ${program.loader} is not in the image`);
  const done = new Set<string>();
  const todo: { readonly elf: Elf; readonly at: string }[] = [{ elf: program, at: real }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const origin = posix.dirname(next.at);
    const own = next.elf.folders.map((folder) =>
      posix.normalize(folder.replace(/\$\{?ORIGIN\}?/, `/${origin}`)).slice(1),
    );
    for (const name of next.elf.needed) {
      if (done.has(name) || name.includes('/')) continue;
      done.add(name);
      const found = await take(
        fs,
        root,
        [...own, ...folders].map((folder) => posix.join(folder, name)),
        signal,
      );
      if (found === null) throw new MissingPart(`${name}, which it needs, is not in the image`);
      await symlink(join(root, found), join(libs, name));
      const elf = readElf(await readFile(join(root, found)));
      if (elf !== null) todo.push({ elf, at: found });
    }
  }
  return join(root, loader);
}

/** The first of these that is in the image, brought here if it is not here yet; its real path. */
async function take(fs: ImageFs, root: string, paths: readonly string[], signal: AbortSignal): Promise<string | null> {
  const real = await firstOf(fs, paths);
  if (real === null) return null;
  try {
    await readFile(join(root, real));
  } catch {
    await fs.extract(root, (path) => path === real, signal);
  }
  return real;
}

/** Libraries of C and the like have no say in what is compiled, so that their updates leave bytecode as it is. */
function identityOf(root: string, real: string, library: string, libs: string, version: string): Digest {
  const files = [join(root, real)];
  for (const name of readdirSync(libs)) if (name.startsWith(`libpython${version}`)) files.push(join(libs, name));
  for (const folder of ['encodings', 'lib-dynload']) {
    const at = join(root, library, folder);
    if (existsSync(at)) for (const name of readdirSync(at).toSorted(compareBytes)) files.push(join(at, name));
  }
  return digestOf(files.map((file) => [basename(file), hash('sha256', readFileSync(file), 'hex')]));
}

/** Words of a failure to start. */
export function startFailure(version: string, thrown: unknown): Error {
  return failure(
    'BYTECODE_UNAVAILABLE',
    `python${version} of the image does not run here: ${wordsOf(thrown)}. Set \`bytecode: false\`, or build on a machine that can run programs of the image`,
    thrown,
  );
}
