/** Files of packages as files of this machine, below one folder: for a program that is run there without being installed. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DebianMirror, LockedDeb } from '@rebake/image';
import { debStore } from './deb/store.ts';
import type { Means } from './means.ts';

/**
 * Writes folders, files (with their exec bit, owned by who runs this) and relative links. Links out of the folder and what only an installed
 * system needs are left out. `folder` is there, and empty.
 */
export async function extractDebs(
  packages: readonly LockedDeb[],
  mirror: DebianMirror | null,
  folder: string,
  means: Means,
): Promise<void> {
  const store = debStore(mirror, means);
  const folders = new Set<string>();
  const links: { readonly path: string; readonly target: string }[] = [];
  for (const locked of packages) {
    means.signal.throwIfAborted();
    const { entries } = await store.open(locked);
    const data = await store.data(locked);
    for (const { path, type, mode, offset, size, target } of entries) {
      if (type === 'symlink') links.push({ path, target });
      if (type !== 'file') continue;
      const file = join(folder, path);
      if (!folders.has(dirname(file))) {
        await mkdir(dirname(file), { recursive: true });
        folders.add(dirname(file));
      }
      await writeFile(file, data.subarray(offset, offset + size));
      if ((mode & 0o100) !== 0) await chmod(file, 0o755);
    }
  }
  // Last, so that nothing is ever written through one.
  for (const { path, target } of links) {
    if (target.startsWith('/') || !staysInside(path, target)) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await symlink(target, join(folder, path));
  }
}

function staysInside(path: string, target: string): boolean {
  let depth = path.split('/').length - 1;
  for (const part of target.split('/')) {
    if (part === '..') depth--;
    else if (part !== '.' && part !== '') depth++;
    if (depth < 0) return false;
  }
  return true;
}
