import type { Cache } from '@rebake/cache';
import { failure } from '../failures.ts';
import type { ImageFs, LayerSource } from '../types.ts';

export function openImageFs(cache: Cache, _layers: readonly LayerSource[], _signal: AbortSignal): ImageFs {
  const no = async (): Promise<never> => Promise.reject(failure('ARCHIVE_INVALID', `${cache.dir}: not yet`));
  return { stat: no, read: no, list: no, extract: no };
}
