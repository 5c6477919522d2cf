/** Rules of `copyToBuildenv`: which files the instructions of a base find in their build context under other paths than their own. */
import { posix } from 'node:path';
import type { FileEntry, FileSet } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import type { BaseImageConfig } from '../schema.ts';
import { NO_FILES, setAt } from './filesets.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Folder of the context that is the renderer's own. */
const OWN = '.rebake';

/**
 * The files under the paths that they get, from the folder of the declaration. A folder's contents come below `to`; a file becomes `to`, or comes
 * into it where that ends in `/`.
 */
export function buildEnvFiles(
  loaded: Loaded,
  { copyToBuildenv }: BaseImageConfig,
  path: KeyPath,
  problems: Problems,
): FileSet {
  if (copyToBuildenv.length === 0) return NO_FILES;
  const found = new Map<string, FileEntry>();
  for (const [index, { from, to }] of copyToBuildenv.entries()) {
    const at: KeyPath = [...path, 'copyToBuildenv', index];
    // What could not be read was told when loading.
    const set = setAt(loaded, [...at, 'from']);
    if (set === null) continue;
    const target = posix.normalize(to).replace(/^\.\/|^\.$/, '');
    if (/^(?:\/|\.\.(?:\/|$))/.test(target) || target === OWN || target.startsWith(`${OWN}/`)) {
      problems.add('BUILDENV_PATH', [...at, 'to'], `\`${to}\` is no path within the build context that is free`);
      continue;
    }
    const isFolder = posix.join(set.root, '/') === posix.join(posix.resolve(loaded.root, from), '/');
    for (const file of set.files) {
      const place = isFolder || target === '' || target.endsWith('/') ? posix.join(target, file.path) : target;
      const before = found.get(place);
      if (before !== undefined && before.digest !== file.digest)
        problems.add('BUILDENV_PATH', [...at, 'to'], `Two different files would be \`${place}\` in the build context`);
      found.set(place, { ...file, path: place, from: posix.relative(loaded.root, posix.join(set.root, file.path)) });
    }
  }
  return { root: loaded.root, files: [...found.values()] };
}
