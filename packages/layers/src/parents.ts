/** The folders that a layer's entries are in. A layer names each of them, since an engine would make up owner and mode of what is missing. */
import type { TreeEntry } from './types.ts';

/** Who owns a folder, and what may be done in it. */
export interface FolderFacts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface ParentOptions extends FolderFacts {
  /** What is known of a folder from the layers below; null: nothing is there. A layer changes no folder that it merely goes through. */
  readonly known?: (path: string) => FolderFacts | null | Promise<FolderFacts | null>;
}

/**
 * The entries with all of their parent folders, each once and before what is in it; else in the order given. A folder that is among the
 * entries is taken as it is there, also when it comes after its content. Nothing is made for the root.
 */
export async function withParents(
  entries: readonly TreeEntry[],
  options: ParentOptions,
): Promise<readonly TreeEntry[]> {
  const folders = new Map<string, TreeEntry>();
  for (const entry of entries) if (entry.type === 'directory') folders.set(entry.path, entry);
  const done = new Set<string>();
  const all: TreeEntry[] = [];
  const { mode, uid, gid, known } = options;
  for (const entry of entries) {
    for (let slash = entry.path.indexOf('/'); slash > 0; slash = entry.path.indexOf('/', slash + 1)) {
      const path = entry.path.slice(0, slash);
      if (done.has(path)) continue;
      done.add(path);
      const own = folders.get(path);
      const facts = own === undefined ? ((await known?.(path)) ?? { mode, uid, gid }) : own;
      all.push({ path, type: 'directory', mode: facts.mode, uid: facts.uid, gid: facts.gid });
    }
    if (entry.type === 'directory') {
      if (done.has(entry.path)) continue;
      done.add(entry.path);
    }
    all.push(entry);
  }
  return all;
}
