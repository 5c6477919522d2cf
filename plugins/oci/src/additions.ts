/** What a step adds to an image, as entries of one layer: folders that are there stay what they are, and links in paths are followed. */
import { failure } from '@rebake/sdk/building';
import { compareBytes } from '@rebake/image';
import type { Found, ImageFs, TreeEntry } from '@rebake/layers';

/** Who owns what is made, and what may be done with it. */
export interface Facts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Paths are relative to the root of the image, without a leading slash. */
export interface Additions {
  /** Where a folder really is; it is made, with the folders above it, where it is not there. */
  folder(path: string, facts: Facts): Promise<string>;
  /** Gives a folder, by where it really is, other facts. */
  change(folder: string, facts: Facts): void;
  /** Puts something into a folder that `folder` returned. What had the path in this layer is gone. */
  put(entry: TreeEntry): void;
  /** What is at a path, that of this layer before that of the image; the last link is not followed. */
  look(path: string): Promise<Pick<Found, 'type' | 'target'> | null>;
  /** All entries with the folders around them, sorted; none where nothing is new. */
  entries(): readonly TreeEntry[];
}

export const ROOT_FOLDER: Facts = { mode: 0o755, uid: 0, gid: 0 };

const MOST_LINKS = 40;

/** `below`: the image that the layer is put on; null: nothing. */
export function createAdditions(below: ImageFs | null): Additions {
  /** Folders by where they really are. `isNew`: they were made or changed here. */
  const folders = new Map<string, Facts & { readonly isNew: boolean }>();
  const added = new Map<string, TreeEntry>();
  const known = new Map<string, string>();

  async function real(path: string, facts: Facts, depth: number): Promise<string> {
    if (path === '') return '';
    const before = known.get(path);
    if (before !== undefined) return before;
    const parent = await real(parentOf(path), facts, depth);
    const at = join(parent, nameOf(path));
    const found = await resolved(at, facts, depth);
    known.set(path, found);
    return found;
  }

  async function resolved(at: string, facts: Facts, depth: number): Promise<string> {
    if (folders.has(at)) return at;
    const own = added.get(at);
    const there = own ?? (await below?.stat(at, { follow: false })) ?? null;
    if (there === null) {
      folders.set(at, { ...facts, isNew: true });
      return at;
    }
    if (there.type === 'directory') {
      folders.set(at, { mode: there.mode, uid: there.uid, gid: there.gid, isNew: false });
      return at;
    }
    if (there.type === 'symlink' && there.target !== undefined) {
      if (depth >= MOST_LINKS) throw notFolder(at, 'a link that leads in a circle');
      return real(targetOf(at, there.target), facts, depth + 1);
    }
    throw notFolder(at, 'a file');
  }

  return {
    folder: async (path, facts) => real(clean(path), facts, 0),
    change: (folder, facts) => void (folder === '' ? undefined : folders.set(folder, { ...facts, isNew: true })),
    put: (entry) => void added.set(entry.path, entry),
    async look(path) {
      const own = added.get(path);
      if (own !== undefined) return own.type === 'hardlink' ? { type: 'file' } : own;
      if (folders.has(path)) return { type: 'directory' };
      return (await below?.stat(path, { follow: false })) ?? null;
    },
    entries() {
      const made = [...folders].filter(([, { isNew }]) => isNew).map(([path]) => path);
      const around = new Set<string>();
      for (const path of [...made, ...added.keys()])
        for (let at = path; at !== ''; at = parentOf(at)) if (folders.has(at)) around.add(at);
      const all: TreeEntry[] = [...added.values()];
      for (const path of around) {
        const facts = folders.get(path);
        if (facts === undefined) continue;
        all.push({ path, type: 'directory', mode: facts.mode, uid: facts.uid, gid: facts.gid });
      }
      return all.toSorted((one, other) => compareBytes(one.path, other.path));
    },
  };
}

/** A path as it is in layers: no slashes at its ends, none doubled. */
export function clean(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '')
    .join('/');
}

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Where a link at a path leads, as a path without `.` and `..`: nothing leads above the root. */
function targetOf(path: string, target: string): string {
  const parts = target.startsWith('/')
    ? []
    : parentOf(path)
        .split('/')
        .filter((part) => part !== '');
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function notFolder(path: string, what: string) {
  return failure('STEP_FAILED', 'never', `/${path} is to be a folder, and is ${what} in the image below`);
}
