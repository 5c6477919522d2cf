/** What all layers together show at a path, symbolic links not followed. The rules of whiteouts are those of the OCI image spec. */
import type { LayerEntry, LayerIndex } from './layer-index.ts';

/** What is at a real path: an entry of the topmost layer that has one, or a folder that no layer names. */
export interface Shown {
  /** From the lowest, 0; -1 where no layer names it. */
  readonly layer: number;
  readonly entry: LayerEntry;
}

export interface View {
  /** Null: nothing. The parents of the path have to be real folders. */
  at(path: string): Promise<Shown | null>;
  /** Names in a real folder, in no order. */
  names(folder: string): Promise<readonly string[]>;
}

/** One path; which layers show through there is found out layer by layer, from the top, as far as somebody asks. */
interface Node {
  readonly path: string;
  readonly parent: Node | null;
  readonly through: number[];
  next: number;
  isDone: boolean;
  shown: Promise<Shown | null> | undefined;
}

const FOLDER: LayerEntry = { type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, offset: 0, target: '' };
const MADE_UP: Shown = { layer: -1, entry: FOLDER };

/** `index` is asked for a layer's index when it is needed; it remembers. */
export function createView(layers: number, index: (layer: number) => Promise<LayerIndex>): View {
  const nodes = new Map<string, Node>();
  const loaded: LayerIndex[] = [];

  function nodeAt(path: string): Node {
    let node = nodes.get(path);
    if (node === undefined) {
      const parent = path === '' ? null : nodeAt(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
      node = { path, parent, through: [], next: 0, isDone: false, shown: undefined };
      nodes.set(path, node);
    }
    return node;
  }

  async function indexOf(layer: number): Promise<LayerIndex> {
    const known = loaded[layer];
    if (known !== undefined) return known;
    return (loaded[layer] = await index(layer));
  }

  /** The layers of the parent, from the top: those that can have something here. Undefined behind the last. */
  function candidate(node: Node, i: number): number | undefined | Promise<number | undefined> {
    if (node.parent === null) return i < layers ? layers - 1 - i : undefined;
    return node.parent.through[i] ?? throughOf(node.parent, i);
  }

  /** The i-th layer from the top of which the content of this folder can be seen. */
  async function throughOf(node: Node, i: number): Promise<number | undefined> {
    while (node.through.length <= i && !node.isDone) {
      const at = node.next;
      const layer = await candidate(node, at);
      const found = layer === undefined ? undefined : await indexOf(layer);
      // Somebody else was here meanwhile.
      if (at !== node.next) continue;
      node.next++;
      if (layer === undefined || found === undefined) node.isDone = true;
      else extend(node, layer, found);
    }
    return node.through[i];
  }

  function extend(node: Node, layer: number, index: LayerIndex): void {
    const { path } = node;
    const { implied, gone, opaque } = index;
    const type = index.get(path)?.type;
    if (type === 'directory' || implied.has(path) || (path === '' && type === undefined)) node.through.push(layer);
    else if (type !== undefined) node.isDone = true;
    if (gone.has(path) || opaque.has(path)) node.isDone = true;
  }

  async function show(node: Node): Promise<Shown | null> {
    const { path } = node;
    let isImplied = path === '';
    for (let i = 0; ; i++) {
      const layer = await candidate(node, i);
      if (layer === undefined) break;
      const here = loaded[layer] ?? (await indexOf(layer));
      const entry = here.get(path);
      // Something is in it, so that a file of a layer below can no longer be there.
      if (entry !== undefined) return isImplied && !isFolderLike(entry) ? MADE_UP : { layer, entry };
      isImplied ||= here.implied.has(path);
      if (here.gone.has(path)) break;
    }
    return isImplied ? MADE_UP : null;
  }

  return {
    async at(path) {
      const node = nodeAt(path);
      if (node.shown === undefined) {
        node.shown = show(node);
        // What failed may work when it is asked again.
        node.shown.catch(() => (node.shown = undefined));
      }
      return node.shown;
    },
    async names(folder) {
      const node = nodeAt(folder);
      const names = new Set<string>();
      for (let i = 0; ; i++) {
        const layer = await throughOf(node, i);
        if (layer === undefined) break;
        for (const name of (await indexOf(layer)).children(folder)) names.add(name);
      }
      const shown: string[] = [];
      for (const name of names) {
        if ((await this.at(folder === '' ? name : `${folder}/${name}`)) !== null) shown.push(name);
      }
      return shown;
    },
  };
}

/** A symbolic link to a folder is one, as engines take it when a layer has something below its path. */
const isFolderLike = ({ type }: LayerEntry): boolean => type === 'directory' || type === 'symlink';
