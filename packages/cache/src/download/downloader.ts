/** Fetches blobs and documents. */
import type { Cache } from '../types.ts';
import type { DownloadAccess, Downloader } from './types.ts';

export function createDownloader(_cache: Cache, _access: DownloadAccess): Downloader {
  throw new Error('not yet');
}
