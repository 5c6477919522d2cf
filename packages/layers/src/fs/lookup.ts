/** Paths of an image, symbolic links followed as in a root of its own: what they lead to, and where its content is. */
import { compareBytes } from '@rebake/image';
import type { Found, LayerSource } from '../types.ts';
import type { LayerIndex } from './layer-index.ts';
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

export function layerAt(layers: readonly LayerSource[], i: number): LayerSource {
  const layer = layers[i];
  if (layer === undefined) throw new RangeError(`layer ${i} of ${layers.length}`);
  return layer;
}

export function createLookup(layers: number, index: (layer: number) => Promise<LayerIndex>): Lookup {
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
      const found = (await index(i)).get(entry.target);
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
