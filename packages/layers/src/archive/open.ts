import type { Cache } from '@rebake/cache';
import type { Digest, FileSet, Platform } from '@rebake/image';
import { failure } from '../failures.ts';
import type { LayerSource } from '../types.ts';

/** An image of an archive. `config`: the exact bytes; `identity`: their digest; `layers`: the lowest first. */
export interface ArchivedImage {
  readonly config: Uint8Array;
  readonly identity: Digest;
  readonly layers: readonly LayerSource[];
}

export async function openImageArchive(
  cache: Cache,
  _files: FileSet,
  _name: string | null,
  _platform: Platform,
  _signal: AbortSignal,
): Promise<ArchivedImage> {
  return Promise.reject(failure('ARCHIVE_INVALID', `${cache.dir}: not yet`));
}
