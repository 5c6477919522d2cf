/** A laid out tree as layers. */
import { availableParallelism } from 'node:os';
import type { Digest } from '@rebake/image';
import { compareBytes, digestOf } from '@rebake/image';
import { groupParts, writeLayer, type Compression, type ImageFs, type Layer, type TreeEntry } from '@rebake/layers';
import type { Deb, DebStore } from '../deb/store.ts';
import { each } from '../each.ts';
import type { Means } from '../means.ts';
import { contentOf } from './ground.ts';
import { FOLDER, type Folder, type Node, type Tree } from './node.ts';

/** Raised when the same packages come to other bytes: layers are kept in the cache by what goes into them. */
export const LAYOUT_VERSION = 2;

/** A base has so many layers at most, and one for what is made by hand: images on top need theirs, and engines stop at 125. */
const MOST_GROUPS = 12;

export interface Writing {
  readonly laidOut: Tree & { readonly owners: ReadonlyMap<string, Deb> };
  readonly made: Tree;
  readonly debs: readonly Deb[];
  readonly parent: ImageFs | null;
  readonly store: DebStore;
  readonly compression: Compression;
}

/** Layers of packages, then the one of what is made by hand. */
export async function writeLayers(writing: Writing, means: Means): Promise<readonly Layer[]> {
  const { laidOut, made, debs, compression, store } = writing;
  const paths = new Map<Deb, string[]>(debs.map((deb) => [deb, []]));
  for (const [path, deb] of laidOut.owners) if (!made.nodes.has(path)) paths.get(deb)?.push(path);
  const parts = debs.map((deb) => ({ key: deb.locked.name, size: sizeOf(paths.get(deb) ?? [], laidOut), deb }));
  const groups = groupParts(
    parts.filter(({ deb }) => (paths.get(deb) ?? []).length > 0),
    MOST_GROUPS,
  );
  const folderOf = folders(writing);
  const lists = [
    ...groups.map((group) => ({
      paths: group.flatMap(({ deb }) => paths.get(deb) ?? []),
      extra: [] as readonly string[],
      nodes: laidOut.nodes,
      debs: group.map(({ deb }) => deb),
    })),
    {
      paths: [...made.nodes.keys()],
      extra: [...laidOut.folders.keys(), ...made.folders.keys()],
      nodes: made.nodes,
      debs: [],
    },
  ];
  return each(lists, Math.min(4, availableParallelism() + 1), async (list) => {
    const entries = await entriesOf(list.paths, list.extra, list.nodes, folderOf, store);
    const layer = await means.cache.once<{ [key in keyof Layer]: Layer[key] }>(
      'debian-layer',
      keyOf(entries, compression),
      async (signal) => {
        const written = await writeLayer(
          means.cache,
          entries.map(({ entry }) => entry),
          { compression, signal, isGround: true },
        );
        return { value: { ...written }, blobs: [written.digest] };
      },
      means.signal,
    );
    for (const deb of list.debs) store.release(deb.locked);
    means.onLayer?.(layer);
    return layer;
  });
}

function sizeOf(paths: readonly string[], { nodes }: Tree): number {
  let size = 0;
  for (const path of paths) {
    const node = nodes.get(path);
    if (node?.type === 'file' && node.content.from === 'deb') size += node.content.size;
  }
  return size;
}

/** Facts of a folder: those of the parent where it is there, as nothing changes it then. */
function folders({ laidOut, made, parent }: Writing): (path: string) => Promise<{ facts: Folder; isBelow: boolean }> {
  const known = new Map<string, Promise<{ facts: Folder; isBelow: boolean }>>();
  async function find(path: string): Promise<{ facts: Folder; isBelow: boolean }> {
    const found = await parent?.stat(path);
    if (found?.type === 'directory') return { facts: found, isBelow: true };
    return { facts: made.folders.get(path) ?? laidOut.folders.get(path) ?? FOLDER, isBelow: false };
  }
  return async (path) => {
    let facts = known.get(path);
    if (facts === undefined) known.set(path, (facts = find(path)));
    return facts;
  };
}

/** An entry, and what of it counts in the name of the layer. */
interface Listed {
  readonly entry: TreeEntry;
  readonly key: readonly (string | number)[];
}

async function entriesOf(
  paths: readonly string[],
  extra: readonly string[],
  nodes: ReadonlyMap<string, Node>,
  folderOf: (path: string) => Promise<{ facts: Folder; isBelow: boolean }>,
  store: DebStore,
): Promise<readonly Listed[]> {
  const all = new Map<string, Listed>();
  const addFolder = async (path: string, isOnTheWay: boolean): Promise<void> => {
    if (all.has(path)) return;
    const { facts, isBelow } = await folderOf(path);
    if (isBelow && !isOnTheWay) return;
    const { mode, uid, gid } = facts;
    all.set(path, { entry: { path, type: 'directory', mode, uid, gid }, key: [path, 'd', mode, uid, gid] });
  };
  for (const path of extra) {
    await addParents(path, addFolder);
    await addFolder(path, false);
  }
  const first = new Map<string, string>();
  for (const path of paths.toSorted(compareBytes)) {
    const node = nodes.get(path);
    if (node === undefined) continue;
    await addParents(path, addFolder);
    all.set(path, listed(path, node, first, store));
  }
  return [...all].toSorted(([a], [b]) => compareBytes(a, b)).map(([, one]) => one);
}

async function addParents(path: string, add: (path: string, isOnTheWay: boolean) => Promise<void>): Promise<void> {
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) await add(path.slice(0, at), true);
}

/** `first`: which path of the layer has a content that several share. */
function listed(path: string, node: Node, first: Map<string, string>, store: DebStore): Listed {
  const { mode, uid, gid } = node;
  if (node.type === 'symlink') {
    const { target } = node;
    return { entry: { path, type: 'symlink', target, mode: 0o777, uid, gid }, key: [path, 'l', target, uid, gid] };
  }
  const { content } = node;
  if (content.from === 'here') {
    const { bytes } = content;
    const entry: TreeEntry = { path, type: 'file', size: bytes.length, mode, uid, gid, bytes: async () => bytes };
    return { entry, key: [path, 'f', mode, uid, gid, digestOf(Buffer.from(bytes).toString('latin1'))] };
  }
  const { id, size, offset } = content;
  const original = first.get(id);
  if (original !== undefined) {
    return { entry: { path, type: 'hardlink', target: original, mode, uid, gid }, key: [path, 'h', original] };
  }
  first.set(id, path);
  const bytes = async (): Promise<Uint8Array> => contentOf(content, store);
  return { entry: { path, type: 'file', size, mode, uid, gid, bytes }, key: [path, 'f', mode, uid, gid, id, offset] };
}

function keyOf(entries: readonly Listed[], compression: Compression): Digest {
  return digestOf([LAYOUT_VERSION, compression, entries.map(({ key }) => key)]);
}
