/** The same layer under another compression. */
import type { Cache } from '@rebake/cache';
import { failure } from './failures.ts';
import type { Compression, Layer, LayerSource } from './types.ts';

export async function recompress(
  cache: Cache,
  _layer: LayerSource,
  _compression: Compression,
  _signal: AbortSignal,
): Promise<Layer> {
  return Promise.reject(failure('ARCHIVE_INVALID', `${cache.dir}: not yet`));
}
