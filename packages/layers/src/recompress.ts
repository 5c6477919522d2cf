/** The same layer under another compression, made once for each. */
import type { Cache } from '@rebake/cache';
import { decompress } from './decompress.ts';
import { intoLayer, LAYER_FACT, layerKey, type LayerFact, type LayerSink } from './sink.ts';
import { compressionOf } from './media-types.ts';
import type { Compression, Layer, LayerSource } from './types.ts';

/**
 * The layer in the cache, under a compression: itself where it has that already. Rejects with `BLOB_MISMATCH` where its content is not that of its
 * diff ID, and with `ARCHIVE_INVALID` where it cannot be decompressed.
 */
export async function recompress(
  cache: Cache,
  layer: LayerSource,
  compression: Compression,
  signal: AbortSignal,
): Promise<Layer> {
  const { diffId, digest, size, mediaType } = layer;
  if (compressionOf(mediaType) === compression) {
    if ((await cache.has(digest)) === null) await cache.write({ digest, size }, layer.read());
    return { diffId, digest, size, mediaType };
  }
  return cache.once<LayerFact>(
    LAYER_FACT,
    layerKey(diffId, compression),
    async (making) => {
      const name = `layer ${digest}`;
      const write = async (sink: LayerSink): Promise<void> => {
        for await (const piece of decompress(layer.read(), mediaType, { name })) await sink.write(piece);
      };
      const value = await intoLayer(cache, compression, making, write, { diffId, name });
      return { value: { ...value }, blobs: [value.digest] };
    },
    signal,
  );
}
