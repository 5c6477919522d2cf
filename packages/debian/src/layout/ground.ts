/** What is made by hand stands on this: the packages laid out, and the parent below them. */
import type { ImageFs } from '@rebake/layers';
import type { Deb, DebStore } from '../deb/store.ts';
import { FOLDER, linkNode, textNode, type Folder, type Node, type Tree } from './node.ts';
import { targetOf, type Aliases } from './aliases.ts';

/** Paths are from the root; texts are bytes as latin1. */
export interface Ground {
  readonly isWhole: boolean;
  /** Whether a package is among those that are laid out now. */
  has(name: string): boolean;
  /** Files and links of the packages below a folder, sorted. */
  below(folder: string): readonly string[];
  /** Files and links right in a folder, of the packages and made by hand, sorted. */
  in(folder: string): readonly string[];
  /** Where a path really is; its last part is not followed. */
  real(path: string): string;
  /** What programs know a library of the packages by, links followed; null where there is none. */
  library(path: string): { readonly soname: string; readonly isLink: boolean } | null;
  /** Whether the packages or the parent have something at a path. */
  exists(path: string): Promise<boolean>;
  /** Whether the packages have something at a path. */
  brings(path: string): boolean;
  /** A file of the packages, else of the parent; null where there is none. Links within the packages are followed. */
  read(path: string): Promise<string | null>;
  readBelow(path: string): Promise<string | null>;
  put(path: string, node: Node): void;
  text(path: string, text: string, mode?: number, gid?: number): void;
  link(path: string, target: string): void;
  folder(path: string, facts?: Partial<Folder>): void;
}

const MAX_FILE = 64 << 20;

/** `made` is what is put. It goes before what packages bring. */
export function ground(
  debs: readonly Deb[],
  laidOut: Tree,
  made: Tree,
  aliases: Aliases,
  store: DebStore,
  parent: ImageFs | null,
): Ground {
  const names = new Set(debs.map(({ locked }) => locked.name));

  async function readNode(path: string, hops: number): Promise<string | null> {
    const real = aliases.resolve(path);
    const node = made.nodes.get(real) ?? laidOut.nodes.get(real);
    if (node === undefined) return readParent(real);
    if (node.type === 'symlink') {
      const target = targetOf(real, node.target);
      return target === null || hops === 0 ? null : readNode(target, hops - 1);
    }
    return latin1(await contentOf(node.content, store));
  }

  async function readParent(path: string): Promise<string | null> {
    const bytes = await parent?.read(path, MAX_FILE);
    return bytes === null || bytes === undefined ? null : latin1(bytes);
  }

  const brings = (path: string): boolean => {
    const real = aliases.resolve(path);
    return made.nodes.has(real) || laidOut.nodes.has(real) || made.folders.has(real) || laidOut.folders.has(real);
  };

  const soname = (path: string, hops: number): string | null => {
    const real = aliases.resolve(path);
    const node = made.nodes.get(real) ?? laidOut.nodes.get(real);
    if (node === undefined) return null;
    if (node.type === 'symlink') {
      const target = targetOf(real, node.target);
      return target === null || hops === 0 ? null : soname(target, hops - 1);
    }
    return node.content.from === 'here' ? null : (node.content.soname ?? null);
  };

  const self: Ground = {
    isWhole: parent === null,
    has: (name) => names.has(name),
    below: (folder) => [...laidOut.nodes.keys()].filter((path) => path.startsWith(`${folder}/`)).toSorted(),
    in: (folder) => {
      const start = aliases.resolve(`${folder}/x`).slice(0, -1);
      const isIn = (path: string): boolean => path.startsWith(start) && !path.includes('/', start.length);
      return [...new Set([...laidOut.nodes.keys(), ...made.nodes.keys()])].filter(isIn).toSorted();
    },
    real: (path) => aliases.resolve(path),
    library: (path) => {
      const name = soname(path, 20);
      const real = aliases.resolve(path);
      const isLink = (made.nodes.get(real) ?? laidOut.nodes.get(real))?.type === 'symlink';
      return name === null ? null : { soname: name, isLink };
    },
    brings,
    exists: async (path) => brings(path) || ((await parent?.stat(path)) ?? null) !== null,
    read: async (path) => readNode(path, 20),
    readBelow: readParent,
    put: (path, node) => void made.nodes.set(aliases.resolve(path), node),
    text: (path, text, mode, gid) => self.put(path, textNode(text, mode, gid)),
    link: (path, target) => self.put(path, linkNode(target)),
    folder: (path, facts) => void made.folders.set(aliases.resolve(path), { ...FOLDER, ...facts }),
  };
  return self;
}

/** The bytes of a file. */
export async function contentOf(
  content: Extract<Node, { readonly type: 'file' }>['content'],
  store: DebStore,
): Promise<Uint8Array> {
  if (content.from === 'here') return content.bytes;
  const data = await store.data(content.deb.locked);
  return data.subarray(content.offset, content.offset + content.size);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
