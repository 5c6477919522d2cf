/** The file system of an image, read from its layers as far as somebody asks. */
import type { Cache } from '@rebake/cache';
import { failure, quote } from '../failures.ts';
import type { ImageFs, LayerSource } from '../types.ts';
import { createContents, type Contents } from './contents.ts';
import { extract } from './extract.ts';
import { loadIndex, type LayerIndex } from './layer-index.ts';
import { createLookup, layerAt } from './lookup.ts';

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
