/** What is in a layer, and where in its tar: read from the layer once on a machine, then from the cache. */
import { createHash } from 'node:crypto';
import type { Cache, Derived } from '@rebake/cache';
import type { Digest } from '@rebake/image';
import { decompress } from '../decompress.ts';
import { failure, invalid } from '../failures.ts';
import { readEntries } from '../tar/read.ts';
import { pullStream } from '../tar/pull.ts';
import type { TarEntry, TarType } from '../tar/entry.ts';
import type { LayerSource } from '../types.ts';

/** As it is kept: columns, since those load an order of magnitude faster than an object an entry. */
interface Columns {
  /** Divided by NUL. */
  readonly paths: string;
  /** One letter an entry, as in {@link LETTERS}. */
  readonly types: string;
  readonly modes: readonly number[];
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly sizes: readonly number[];
  readonly offsets: readonly number[];
  /** Of links alone, in the order of the entries. Divided by NUL. */
  readonly targets: string;
  /** Paths that are taken away from the layers below, and folders of which all in the layers below is. Divided by NUL. */
  readonly gone: string;
  readonly opaque: string;
}

/** What a layer has at a path. `hardlink`: one to a file of the layers below. `link` is an index into its targets. */
export interface LayerEntry {
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Of a file: where its content begins in the tar, in bytes. */
  readonly offset: number;
  readonly target: string;
}

export interface LayerIndex {
  get(path: string): LayerEntry | undefined;
  /** Folders that are there only because something is in them. */
  readonly implied: ReadonlySet<string>;
  readonly gone: ReadonlySet<string>;
  readonly opaque: ReadonlySet<string>;
  /** Names in each folder of the layer. */
  children(folder: string): readonly string[];
}

const VERSION = 1;
const FACT = 'layer-index';
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Other names that begin so belong to the layer's own bookkeeping (of AUFS), and are no files. */
const RESERVED = '.wh..wh.';

/** A gap in the index is made from the layer; `signal` ends the waiting. */
export async function loadIndex(cache: Cache, layer: LayerSource, signal: AbortSignal): Promise<LayerIndex> {
  const digest = await cache.once<Digest>(
    FACT,
    `${VERSION} ${layer.diffId}`,
    async (making) => store(cache, await readColumns(layer, making)),
    signal,
  );
  const parts: Uint8Array[] = [];
  for await (const part of cache.read(digest)) parts.push(part);
  return fromColumns(JSON.parse(Buffer.concat(parts).toString()) as Columns);
}

async function store(cache: Cache, columns: Columns): Promise<Derived<Digest>> {
  const writer = await cache.begin();
  try {
    await writer.append(Buffer.from(JSON.stringify(columns)));
    const { digest: value } = await writer.commit();
    return { value, blobs: [value] };
  } finally {
    await writer.abort();
  }
}

/** What of an entry is noted. */
type Noted = Pick<TarEntry, 'path' | 'type' | 'mode' | 'uid' | 'gid' | 'size' | 'offset' | 'target'>;

/** The index of a layer that is being made: what is a parent later need not be read again. That of a layer with whiteouts is left to be read. */
export interface IndexInMaking {
  /** Entries in their order; `offset`: where the content begins in the tar. */
  add(entry: Noted): void;
  keep(cache: Cache, diffId: Digest): Promise<void>;
}

export function beginIndex(): IndexInMaking {
  const found = new Map<string, LayerEntry>();
  let takesAway = false;
  return {
    add(entry) {
      takesAway ||= entry.path.slice(entry.path.lastIndexOf('/') + 1).startsWith(WHITEOUT);
      found.set(entry.path, entryOf(entry, found));
    },
    async keep(cache, diffId) {
      if (!takesAway) await cache.keep(FACT, `${VERSION} ${diffId}`, await store(cache, toColumns(found, [], [])));
    },
  };
}

async function readColumns(layer: LayerSource, signal: AbortSignal): Promise<Columns> {
  const name = `layer ${layer.digest}`;
  const hash = createHash('sha256');
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const piece of decompress(layer.read(), layer.mediaType, { name })) {
      signal.throwIfAborted();
      hash.update(piece);
      yield piece;
    }
  }
  const found = new Map<string, LayerEntry>();
  const gone: string[] = [];
  const opaque: string[] = [];
  for await (const entry of readEntries(pullStream(hashed()), { name, of: 'layer' })) {
    const { path } = entry;
    const slash = path.lastIndexOf('/');
    const base = path.slice(slash + 1);
    if (base === OPAQUE) opaque.push(path.slice(0, Math.max(0, slash)));
    else if (base.startsWith(RESERVED)) continue;
    else if (base.startsWith(WHITEOUT)) {
      if (base === WHITEOUT || base === '.wh..' || base === '.wh...')
        throw invalid(name, 'it takes nothing away', path);
      gone.push(path.slice(0, slash + 1) + base.slice(WHITEOUT.length));
    } else found.set(path, entryOf(entry, found));
  }
  const diffId = `sha256:${hash.digest('hex')}`;
  if (diffId !== layer.diffId) {
    throw failure('BLOB_MISMATCH', `${name}: its content is that of ${diffId}, not of ${layer.diffId}`);
  }
  return toColumns(found, gone, opaque);
}

const KINDS: Readonly<Record<TarType, LayerEntry['type']>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  hardlink: 'hardlink',
  character: 'other',
  block: 'other',
  fifo: 'other',
};

/** A hard link to a file of the same layer is that file by another name. */
function entryOf(entry: Noted, found: ReadonlyMap<string, LayerEntry>): LayerEntry {
  const { mode, uid, gid, size, offset, target } = entry;
  const same = entry.type === 'hardlink' ? found.get(target) : undefined;
  return same ?? { type: KINDS[entry.type], mode, uid, gid, size, offset, target };
}

const LETTERS: Readonly<Record<LayerEntry['type'], string>> = {
  file: 'f',
  directory: 'd',
  symlink: 'l',
  hardlink: 'h',
  other: 'o',
};
const TYPES = new Map(Object.entries(LETTERS).map(([type, letter]) => [letter, type as LayerEntry['type']]));

function toColumns(
  found: ReadonlyMap<string, LayerEntry>,
  gone: readonly string[],
  opaque: readonly string[],
): Columns {
  const all = [...found.values()];
  return {
    paths: [...found.keys()].join('\0'),
    types: all.map(({ type }) => LETTERS[type]).join(''),
    modes: all.map(({ mode }) => mode),
    uids: all.map(({ uid }) => uid),
    gids: all.map(({ gid }) => gid),
    sizes: all.map(({ size }) => size),
    offsets: all.map(({ offset }) => offset),
    targets: all.flatMap(({ type, target }) => (isLink(type) ? [target] : [])).join('\0'),
    gone: gone.join('\0'),
    opaque: opaque.map((path) => `/${path}`).join('\0'),
  };
}

const isLink = (type: LayerEntry['type'] | undefined): boolean => type === 'symlink' || type === 'hardlink';
const split = (text: string): readonly string[] => (text === '' ? [] : text.split('\0'));

function fromColumns({ types, modes, uids, gids, sizes, offsets, ...columns }: Columns): LayerIndex {
  // The root's path is empty: one entry with no name is not the same as none.
  const paths = types === '' ? [] : columns.paths.split('\0');
  const places = new Map<string, number>();
  for (let i = 0; i < paths.length; i++) places.set(paths[i] ?? '', i);
  const targets = new Map(linksOf(types).map((i, n) => [i, n]));
  const texts = split(columns.targets);
  const gone = new Set(split(columns.gone));
  const opaque = new Set(split(columns.opaque).map((path) => path.slice(1)));
  const implied = impliedBy(places, gone, opaque);
  let children: Map<string, string[]> | undefined;
  return {
    // Of most entries nobody ever asks: an object for each would take longer than all the rest.
    get(path) {
      const i = places.get(path);
      if (i === undefined) return undefined;
      const [mode = 0, uid = 0, gid = 0, size = 0, offset = 0] = [modes[i], uids[i], gids[i], sizes[i], offsets[i]];
      const target = texts[targets.get(i) ?? -1] ?? '';
      return { type: TYPES.get(types[i] ?? '') ?? 'other', mode, uid, gid, size, offset, target };
    },
    implied,
    gone,
    opaque,
    children(folder) {
      children ??= childrenOf([...paths, ...implied]);
      return children.get(folder) ?? [];
    },
  };
}

/** Places of links among the entries. */
function linksOf(types: string): readonly number[] {
  return [...types.matchAll(/[lh]/g)].map(({ index }) => index);
}

/** Folders that entries are in, or from which something is taken away, and that no entry names. */
function impliedBy(
  entries: ReadonlyMap<string, number>,
  gone: ReadonlySet<string>,
  opaque: ReadonlySet<string>,
): Set<string> {
  const implied = new Set<string>();
  let last = '';
  const add = (path: string): void => {
    // Most entries are in the folder of the one before.
    if (last !== '' && path.lastIndexOf('/') === last.length && path.startsWith(last)) return;
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      if (entries.has(parent) || implied.has(parent)) break;
      implied.add(parent);
    }
    last = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  };
  for (const path of entries.keys()) add(path);
  for (const path of gone) add(path);
  for (const path of opaque) if (path !== '') add(`${path}/`);
  return implied;
}

function childrenOf(paths: readonly string[]): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const path of paths) {
    if (path === '') continue;
    const slash = path.lastIndexOf('/');
    const folder = path.slice(0, Math.max(0, slash));
    const names = children.get(folder);
    if (names === undefined) children.set(folder, [path.slice(slash + 1)]);
    else names.push(path.slice(slash + 1));
  }
  return children;
}
