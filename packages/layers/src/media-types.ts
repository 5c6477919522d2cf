/** Media types of layers, and how each is compressed. */
import type { Compression } from './types.ts';

export const PLAIN_LAYER = 'application/vnd.oci.image.layer.v1.tar';

export const LAYER_TYPES = {
  gzip: `${PLAIN_LAYER}+gzip`,
  zstd: `${PLAIN_LAYER}+zstd`,
} as const satisfies Record<Compression, string>;

/** What a media type says of the compression; null: nothing that is known, so the bytes have to. */
export function compressionOf(mediaType: string): Compression | 'none' | null {
  if (mediaType.endsWith('+gzip') || mediaType.endsWith('.tar.gzip')) return 'gzip';
  if (mediaType.endsWith('+zstd') || mediaType.endsWith('.tar.zstd')) return 'zstd';
  if (mediaType.endsWith('.tar')) return 'none';
  return null;
}
