/** Layers from entries: a canonical tar, hashed and compressed while it is written. */
import type { Cache } from '@rebake/cache';
import { failure } from './failures.ts';
import type { Compression, Layer, TreeEntry } from './types.ts';

export interface WriteOptions {
  readonly compression: Compression;
  readonly signal: AbortSignal;
}

export async function writeLayer(
  cache: Cache,
  _entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
  _options: WriteOptions,
): Promise<Layer> {
  return Promise.reject(failure('ARCHIVE_INVALID', `${cache.dir}: not yet`));
}
