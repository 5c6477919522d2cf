/** The file system of an image, read from its layers as far as somebody asks. */
import type { Cache } from '@rebake/cache';
import { compareBytes } from '@rebake/image';
import { failure, quote } from '../failures.ts';
import type { Found, ImageFs, LayerSource } from '../types.ts';
import { createContents, type Contents } from './contents.ts';
import { extract } from './extract.ts';
import { loadIndex, type LayerIndex } from './layer-index.ts';
import { createView, type Shown } from './view.ts';

/** As Linux has it. */
const MAX_LINKS = 40;

/** What is at a path, and where its content is. `content`: the layer, and the place in its tar; of files alone. */
export interface Located {
  readonly found: Found;
  readonly content: { readonly layer: number; readonly offset: number } | null;
}

/** What reading files out of an image needs to know of it. */
export interface Lookup {
  /** As `stat`. */
  locate(path: string, follow: 'last' | 'folders'): Promise<Located | null>;
  list(path: string): Promise<readonly string[]>;
}

/**
 * The file system that layers make, the lowest first. Nothing is read before something is asked; what is in a layer is found out once on a machine
 * and then kept in the cache, by its diff ID. A path that leads in circles, or through more links than Linux follows, leads to nothing.
 * `signal` ends whatever is under way. Rejects with `ARCHIVE_INVALID` for a layer that cannot be read, with `BLOB_MISMATCH` for one that is another.
 */
export function openImageFs(cache: Cache, layers: readonly LayerSource[], signal: AbortSignal): ImageFs {
  const indexes = new Map<number, Promise<LayerIndex>>();
  const contents = new Map<number, Contents>();

  async function index(i: number): Promise<LayerIndex> {
    signal.throwIfAborted();
    const known = indexes.get(i);
    if (known !== undefined) return known;
    const loading = loadIndex(cache, layerAt(layers, i), signal);
    indexes.set(i, loading);
    // What failed may work when it is asked again.
    loading.catch(() => indexes.delete(i));
    return loading;
  }

  function contentsOf(i: number): Contents {
    let known = contents.get(i);
    if (known === undefined) contents.set(i, (known = createContents(cache, layerAt(layers, i), signal)));
    return known;
  }

  const lookup = createLookup(layers.length, index);

  return {
    async stat(path, options) {
      return (await lookup.locate(path, options?.follow === false ? 'folders' : 'last'))?.found ?? null;
    },
    async read(path, maxBytes) {
      const located = await lookup.locate(path, 'last');
      if (located === null || located.content === null) return null;
      const { size } = located.found;
      if (size > maxBytes) {
        throw failure('IMAGE_INVALID', `${quote(path)} in the image has ${size} bytes, more than ${maxBytes}`);
      }
      return contentsOf(located.content.layer).read({ offset: located.content.offset, size });
    },
    list: async (path) => lookup.list(path),
    async extract(folder, choose, stop) {
      return extract(layers, lookup, folder, choose, AbortSignal.any([signal, stop]));
    },
  };
}

export function layerAt(layers: readonly LayerSource[], i: number): LayerSource {
  const layer = layers[i];
  if (layer === undefined) throw new RangeError(`layer ${i} of ${layers.length}`);
  return layer;
}

function createLookup(layers: number, index: (layer: number) => Promise<LayerIndex>): Lookup {
  const view = createView(layers, index);

  /** The real path, and what is there; folders on the way are followed. */
  async function resolve(path: string, follow: 'last' | 'folders'): Promise<{ path: string; shown: Shown } | null> {
    const left = parts(path).toReversed();
    let at = '';
    let shown = await view.at('');
    let links = 0;
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (shown?.entry.type !== 'directory') return null;
      if (name === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
        shown = await view.at(at);
        continue;
      }
      const path: string = at === '' ? name : `${at}/${name}`;
      const next = await view.at(path);
      if (next === null) return null;
      if (next.entry.type === 'symlink' && (left.length > 0 || follow === 'last')) {
        if (++links > MAX_LINKS) return null;
        const { target } = next.entry;
        if (target.startsWith('/')) [at, shown] = ['', await view.at('')];
        left.push(...parts(target).toReversed());
        continue;
      }
      [at, shown] = [path, next];
    }
    return shown === null ? null : { path: at, shown };
  }

  /** A hard link of a layer to a file of the layers below it. */
  async function linked({ layer, entry }: Shown): Promise<Shown | null> {
    for (let i = layer - 1; i >= 0; i--) {
      const found = (await index(i)).entries.get(entry.target);
      if (found === undefined) continue;
      return found.type === 'hardlink' ? linked({ layer: i, entry: found }) : { layer: i, entry: found };
    }
    return null;
  }

  return {
    async locate(path, follow) {
      const resolved = await resolve(path, follow);
      if (resolved === null) return null;
      const shown = resolved.shown.entry.type === 'hardlink' ? await linked(resolved.shown) : resolved.shown;
      return shown === null ? null : located(resolved.path, shown);
    },
    async list(path) {
      const resolved = await resolve(path, 'last');
      if (resolved === null || resolved.shown.entry.type !== 'directory') return [];
      return (await view.names(resolved.path)).toSorted(compareBytes);
    },
  };
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function located(path: string, { layer, entry }: Shown): Located {
  const { type, mode, uid, gid, size, target, offset } = entry;
  const found = { path, type: type === 'hardlink' ? 'other' : type, mode, uid, gid, size } as const;
  return {
    found: type === 'symlink' ? { ...found, target } : found,
    content: type === 'file' ? { layer, offset } : null,
  };
}
