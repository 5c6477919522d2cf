/** Entries of the layers of an environment: what an installer would have written, with modes and owners as the Dockerfile path leaves them. */
import type { TreeEntry } from '@rebake/layers';
import type { Ground } from '../interpreter/find.ts';
import { pythonNames, sitePackages, type PlannedFile } from '../wheel/layout.ts';

const ROOT = { uid: 0, gid: 0 } as const;

/** Names the folders that entries are in, each once, before what is in them. */
export interface Folders {
  /** Folders above a path (relative to the prefix) that were not named yet. */
  above(path: string): readonly TreeEntry[];
}

/** Folders of one layer. The first call brings the prefix itself and what is above it. */
export function createFolders({ prefix, folders }: Ground): Folders {
  const named = new Set<string>();
  return {
    above(path) {
      const entries: TreeEntry[] = [];
      if (named.size === 0) {
        for (const folder of folders) entries.push({ ...folder, type: 'directory' });
        named.add('');
      }
      for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
        const folder = path.slice(0, slash);
        if (named.has(folder)) continue;
        named.add(folder);
        entries.push({ path: `${prefix}/${folder}`, type: 'directory', mode: 0o755, ...ROOT });
      }
      return entries;
    },
  };
}

/** A planned file as an entry. */
export function fileEntry(ground: Ground, file: PlannedFile): TreeEntry {
  const { path, mode, size } = file;
  return { path: `${ground.prefix}/${path}`, type: 'file', mode, ...ROOT, size, bytes: () => file.bytes() };
}

/** What `python -m venv` makes, without its scripts for shells. */
export function skeleton(ground: Ground, version: string): readonly TreeEntry[] {
  const { prefix, interpreter } = ground;
  const home = interpreter.path.slice(0, interpreter.path.lastIndexOf('/')) || '/';
  // Without the last number of the version: nothing reads it, and the environment stays the same when the image below gets a newer one.
  const config = Buffer.from(`home = ${home}\ninclude-system-site-packages = false\nversion = ${version}\n`);
  const link = (path: string, target: string): TreeEntry => ({
    path: `${prefix}/${path}`,
    type: 'symlink',
    mode: 0o777,
    ...ROOT,
    target,
  });
  const names = pythonNames(version);
  const own = names.at(-1) ?? '';
  const folders = createFolders(ground);
  return [
    ...folders.above(`bin/`),
    ...names.map((name) => link(`bin/${name}`, name === own ? interpreter.path : own)),
    ...folders.above(`include/python${version}/`),
    ...folders.above(`${sitePackages({ interpreter: version })}/`),
    link('lib64', 'lib'),
    fileEntry(ground, {
      path: 'pyvenv.cfg',
      mode: 0o644,
      size: config.length,
      hash: '',
      bytes: async () => Promise.resolve(config),
      whole: async () => Promise.resolve(config),
    }),
  ];
}
