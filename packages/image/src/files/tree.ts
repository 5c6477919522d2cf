/**
 * Directories as lists of files. One rule for symbolic links: they are followed, and what they lead to counts as if it stood there; a link
 * out of the root is an error, and so is a circle. Empty directories do not count. What is no regular file is an error.
 */
import dockerignore from '@balena/dockerignore';
import { lstatSync, readdirSync, realpathSync, statSync, type Dirent } from 'node:fs';
import { join, sep } from 'node:path';
import { compareBytes } from '../canonical.ts';
import { FileProblem, fileProblem } from './problem.ts';

/** Which files of a directory count. */
export interface TreeOptions {
  /** Text of a .dockerignore; its patterns mean what they mean to Docker. */
  readonly ignore?: string;
  /** Only these files and directories (relative, POSIX). One that is not there is an error. */
  readonly only?: readonly string[];
}

/** One file that was found: where it is to be read, and its name in the set (POSIX, NFC). */
export interface Found {
  readonly path: string;
  readonly absolute: string;
}

interface Ignore {
  /** Whether the path itself is ignored. */
  file(path: string): boolean;
  /** Whether nothing below the path can be wanted. */
  wholeDirectory(path: string): boolean;
}

/** Files below `root`, sorted by the UTF-8 bytes of their paths. Throws a `FileProblem`. */
export function listTree(root: string, options: TreeOptions = {}): Found[] {
  const realRoot = attempt(root, () => realpathSync.native(root));
  const ignore = ignoreOf(options.ignore);
  const found = new Map<string, Found>();
  const walker: Walker = { root, realRoot, ignore, found };
  if (options.only === undefined) {
    walk(walker, '', [realRoot]);
  } else {
    for (const path of options.only) visit(walker, wanted(root, path), []);
  }
  return [...found.values()].toSorted((a, b) => compareBytes(a.path, b.path));
}

interface Walker {
  readonly root: string;
  readonly realRoot: string;
  readonly ignore: Ignore;
  readonly found: Map<string, Found>;
}

/** A path of `only`, without `.` and `..`; `` is the root itself. */
function wanted(root: string, path: string): string {
  const parts: string[] = [];
  if (path.startsWith('/')) throw new FileProblem('PATH_ESCAPES_ROOT', path);
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw new FileProblem('PATH_ESCAPES_ROOT', join(root, path));
  }
  return parts.join('/');
}

/** `above`: real paths of the directories on the way here, by which a circle is found. */
function walk(walker: Walker, directory: string, above: readonly string[]): void {
  const absolute = join(walker.root, directory);
  const children = attempt(absolute, () => readdirSync(absolute, { withFileTypes: true }));
  for (const child of children)
    visit(walker, directory === '' ? child.name : `${directory}/${child.name}`, above, child);
}

function visit(walker: Walker, path: string, above: readonly string[], entry?: Dirent): void {
  const absolute = join(walker.root, path);
  const isIgnored = path !== '' && walker.ignore.file(path);
  if (isIgnored && walker.ignore.wholeDirectory(path)) return;
  // A name given in `only` may pass through links; those that a walk meets are seen one at a time.
  let isDirectory = entry?.isDirectory() === true;
  let isFile = entry?.isFile() === true;
  let real: string | undefined;
  if (entry === undefined || entry.isSymbolicLink()) {
    if (isIgnored && !leadsToDirectory(absolute)) return;
    real = attempt(absolute, () => realpathSync.native(absolute));
    if (real !== walker.realRoot && !real.startsWith(walker.realRoot === sep ? sep : walker.realRoot + sep)) {
      if (isIgnored) return;
      throw new FileProblem('PATH_ESCAPES_ROOT', absolute);
    }
    const stat = attempt(absolute, () => statSync(absolute));
    isDirectory = stat.isDirectory();
    isFile = stat.isFile();
  }
  if (isDirectory) {
    real ??= join(above.at(-1) ?? walker.realRoot, entry?.name ?? '');
    if (above.includes(real)) throw new FileProblem('PATH_LOOP', absolute);
    walk(walker, path, [...above, real]);
    return;
  }
  if (isIgnored) return;
  if (!isFile) throw new FileProblem('FILE_KIND', absolute);
  add(walker, path, absolute);
}

function leadsToDirectory(absolute: string): boolean {
  return statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true;
}

function add({ root, found }: Walker, path: string, absolute: string): void {
  if (path.includes('\uFFFD')) throw new FileProblem('PATH_NAME', absolute);
  const normal = path.normalize('NFC');
  if (normal !== path) {
    // The set's name has to open the file, too: it does where the file system does not tell the two forms apart.
    const other = lstatSync(join(root, normal), { throwIfNoEntry: false });
    if (other === undefined || other.ino !== lstatSync(absolute).ino) throw new FileProblem('PATH_NAME', absolute);
  }
  const before = found.get(normal);
  if (before !== undefined && before.absolute !== absolute) throw new FileProblem('PATH_NAME', absolute);
  found.set(normal, { path: normal, absolute });
}

function attempt<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fileProblem(error, path);
  }
}

/** The library is a port of Docker's own matcher. */
function ignoreOf(text: string | undefined): Ignore {
  if (text === undefined || text.trim() === '') return { file: () => false, wholeDirectory: () => false };
  const matcher = dockerignore.default({ ignorecase: false }).add(text.replace(/^\uFEFF/, ''));
  const hasExceptions = /^\s*!/m.test(text);
  return { file: (path) => matcher.ignores(path), wholeDirectory: () => !hasExceptions };
}
