/** A tar as it stands as a layer. */
import type { Cache } from '@rebake/cache';
import type { Digest } from '@rebake/image';
import { failure } from './failures.ts';
import type { Limits } from './limits.ts';
import type { Layer } from './types.ts';
import type { WriteOptions } from './write.ts';

export async function importTar(
  cache: Cache,
  _file: string,
  _expected: Digest,
  _options: WriteOptions & { readonly limits?: Partial<Limits> },
): Promise<Layer> {
  return Promise.reject(failure('ARCHIVE_INVALID', `${cache.dir}: not yet`));
}
