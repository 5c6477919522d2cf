/** File sets of the declaration, and parts of them. */
import { posix } from 'node:path';
import { compareBytes } from '@rebake/sdk';
import type { FileSet } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import type { KeyPath } from './problems.ts';

/** No files; the root is never read. */
export const NO_FILES: FileSet = { root: '/', files: [] };

/** The set at a path of keys: a folder seen from inside, a file from its folder, a list of paths from the folder of the declaration. Null where it was not read. */
export function setAt(loaded: Loaded, path: KeyPath): FileSet | null {
  return loaded.sets.get(path.join('.')) ?? null;
}

/** Files of two sets as one that is seen from `root`; of the same path twice, the first counts. */
export function withFiles(root: string, set: FileSet, more: FileSet): FileSet {
  if (more.files.length === 0) return set;
  const placed = [set, more].flatMap((one) =>
    one.files.map((file) => ({ ...file, from: posix.relative(root, posix.join(one.root, file.from ?? file.path)) })),
  );
  const byPath = new Map(placed.toReversed().map((file) => [file.path, file]));
  return { root, files: [...byPath.values()].toSorted((a, b) => compareBytes(a.path, b.path)) };
}

/** The part of a set below a folder of it, seen from inside that folder. */
export function partOf(set: FileSet, folder: string): FileSet {
  const prefix = `${folder}/`;
  const files = set.files
    .filter((file) => file.path.startsWith(prefix))
    .map((file) => ({ ...file, path: file.path.slice(prefix.length) }));
  return { root: posix.join(set.root, folder), files };
}
