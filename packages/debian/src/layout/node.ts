/** Paths of the system that is being laid out. */
import type { Deb } from '../deb/store.ts';

/** Owner and mode of a folder. */
export interface Folder {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What is at a path. A hard link is a file whose content is that of another path of its package. */
export type Node = Folder &
  ({ readonly type: 'file'; readonly content: Content } | { readonly type: 'symlink'; readonly target: string });

/** Bytes of a package's data archive, or made here. `id` is the same for paths that are hard links of each other, `soname` is there for libraries. */
export type Content =
  | {
      readonly from: 'deb';
      readonly deb: Deb;
      readonly offset: number;
      readonly size: number;
      readonly id: string;
      readonly soname: string | undefined;
    }
  | { readonly from: 'here'; readonly bytes: Uint8Array };

/** `text`: bytes as latin1, as all texts of packages are here. */
export function textNode(text: string, mode = 0o644, gid = 0): Node {
  return { type: 'file', content: { from: 'here', bytes: Buffer.from(text, 'latin1') }, mode, uid: 0, gid };
}

export function linkNode(target: string): Node {
  return { type: 'symlink', target, mode: 0o777, uid: 0, gid: 0 };
}

/** Files and links by path, and folders by path. Paths are relative to the root, POSIX. */
export interface Tree {
  readonly nodes: Map<string, Node>;
  readonly folders: Map<string, Folder>;
}

export const FOLDER: Folder = { mode: 0o755, uid: 0, gid: 0 };
