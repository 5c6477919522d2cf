/** A set of files as the walk that BuildKit expects: parents before children, the names of a directory in the order of their bytes. */
import { compareBytes } from '@rebake/image';
import type { ContextFile } from '@rebake/image';

/** One step of the walk; `file` is null for a directory. */
export interface TreeEntry {
  readonly path: string;
  readonly file: ContextFile | null;
}

interface Directory {
  readonly directories: Map<string, Directory>;
  readonly files: Map<string, ContextFile>;
}

const emptyDirectory = (): Directory => ({ directories: new Map(), files: new Map() });

/** The walk over files and the directories that they lie in. Throws on paths that are not plain and relative: they never come from a user unchecked. */
export function walk(files: readonly ContextFile[]): TreeEntry[] {
  const root = emptyDirectory();
  for (const file of files) {
    const names = file.path.split('/');
    const name = names.pop() ?? '';
    let directory = root;
    for (const parent of [...names, name]) {
      if (parent === '' || parent === '.' || parent === '..' || parent.includes('\0'))
        throw new Error(`not a path of a context: ${file.path}`);
    }
    for (const parent of names) {
      let next = directory.directories.get(parent);
      if (!next) directory.directories.set(parent, (next = emptyDirectory()));
      if (directory.files.has(parent)) throw new Error(`both a file and a directory: ${parent} in ${file.path}`);
      directory = next;
    }
    if (directory.files.has(name) || directory.directories.has(name))
      throw new Error(`twice in a context: ${file.path}`);
    directory.files.set(name, file);
  }
  const entries: TreeEntry[] = [];
  visit(root, '', entries);
  return entries;
}

function visit(directory: Directory, prefix: string, entries: TreeEntry[]): void {
  const names = [...directory.files.keys(), ...directory.directories.keys()].toSorted(compareBytes);
  for (const name of names) {
    const path = `${prefix}${name}`;
    const below = directory.directories.get(name);
    entries.push({ path, file: directory.files.get(name) ?? null });
    if (below) visit(below, `${path}/`, entries);
  }
}

/**
 * The part of a walk that a receiver asks for: the named paths, what is below them, and the directories above them. No names: everything.
 * A name with a wildcard asks for all of the directory that it is in: more than needed does no harm, since the receiver picks what it uses.
 */
export function follow(entries: readonly TreeEntry[], paths: readonly string[]): readonly TreeEntry[] {
  const wanted = paths.map(literalPart);
  if (wanted.length === 0 || wanted.includes('')) return entries;
  return entries.filter(({ path }) =>
    wanted.some((name) => path === name || path.startsWith(`${name}/`) || name.startsWith(`${path}/`)),
  );
}

/** The leading names of a path without wildcards, relative and without empty names. */
function literalPart(path: string): string {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const wild = names.findIndex((name) => /[*?[\\]/.test(name));
  return (wild < 0 ? names : names.slice(0, wild)).join('/');
}
