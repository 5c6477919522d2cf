/** Compression with fixed parameters: the same tar gives the same blob. */
import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Compression } from './types.ts';

const PIECE_BYTES = 256 << 10;
/** So much is taken in and given out ahead, so that reading, compressing and writing overlap; in bytes. */
const AHEAD_BYTES = 2 << 20;

/** Raised with every change of what follows: blobs of before are then made anew. */
export const COMPRESSION_VERSION = 1;

const GZIP_LEVEL = 4;
const ZSTD_LEVEL = 3;

/** Where the header of gzip names the system that made it, and what stands there: `unknown`, as Go writes it. */
const GZIP_SYSTEM_AT = 9;
const GZIP_SYSTEM = 255;

export function compressor(compression: Compression): Transform {
  const ahead = { writableHighWaterMark: AHEAD_BYTES, readableHighWaterMark: AHEAD_BYTES };
  switch (compression) {
    case 'gzip':
      return createGzip({
        level: GZIP_LEVEL,
        memLevel: 8,
        windowBits: 15,
        strategy: constants.Z_DEFAULT_STRATEGY,
        chunkSize: PIECE_BYTES,
        ...ahead,
      });
    case 'zstd':
      return createZstdCompress({
        params: {
          [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
          [constants.ZSTD_c_checksumFlag]: 0,
          [constants.ZSTD_c_nbWorkers]: 0,
        },
        chunkSize: PIECE_BYTES,
        ...ahead,
      });
    default:
      return compression satisfies never;
  }
}

/** What a compressor gave, without what depends on the machine. `offset`: where the piece stands in the whole. */
export function neutral(compression: Compression, piece: Buffer, offset: number): Buffer {
  const at = GZIP_SYSTEM_AT - offset;
  if (compression === 'gzip' && at >= 0 && at < piece.length) piece[at] = GZIP_SYSTEM;
  return piece;
}
