/** Compression with fixed parameters: the same tar gives the same blob, on every machine and at every speed. */
import { promisify } from 'node:util';
import { constants, createGzip, zstdCompress as zstdCompressCallback } from 'node:zlib';
import type { Compression } from './types.ts';

const zstdCompress = promisify(zstdCompressCallback);

/** Raised with every change of what follows: blobs of before are then made anew. */
export const COMPRESSION_VERSION = 2;

/** What compresses one layer. */
export interface Compressor {
  /** So many bytes are to come with each `write`, but for the last. */
  readonly blockBytes: number;
  /** Takes a block, whose memory is taken back by `free` when it is not needed any more; resolves when there is room for another. */
  write(block: Buffer, free: () => void): Promise<void>;
  /** Resolves when all that was written has been given out. */
  end(): Promise<void>;
  /** Gives up. Nothing happens after `end`. */
  abort(): Promise<void>;
}

/** Takes what is compressed, in order. */
type Out = (bytes: Buffer) => Promise<void>;

export function openCompressor(compression: Compression, out: Out): Compressor {
  switch (compression) {
    case 'gzip':
      return openGzip(out);
    case 'zstd':
      return openZstd(out);
    default:
      return compression satisfies never;
  }
}

const ZSTD_LEVEL = 3;
/**
 * What is one frame of zstd. Frames are compressed side by side, each in one go: a stream gives other bytes when it is cut or ended
 * otherwise. Smaller ones compress worse (by 5 % at 1 MiB, 2 % at 2), larger ones take more memory.
 */
const FRAME_BYTES = 2 << 20;
const FRAMES_AT_ONCE = 3;

function openZstd(out: Out): Compressor {
  const options = {
    params: {
      [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
      [constants.ZSTD_c_checksumFlag]: 0,
      [constants.ZSTD_c_nbWorkers]: 0,
    },
    chunkSize: FRAME_BYTES / 2,
  };
  /** Frames that are not given out, in order. */
  const waiting: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  return {
    blockBytes: FRAME_BYTES,
    async write(block, free) {
      const frame = zstdCompress(block, options).finally(free);
      last = Promise.all([frame, last]).then(async ([bytes]) => out(bytes));
      // It is waited for below, or by nobody when something failed before.
      last.catch(() => undefined);
      waiting.push(last);
      if (waiting.length >= FRAMES_AT_ONCE) await waiting.shift();
    },
    end: async () => last,
    abort: async () => last.catch(() => undefined),
  };
}

const GZIP_LEVEL = 4;
const GZIP_BLOCK = 512 << 10;
const GZIP_PIECE = 256 << 10;
/** So much is taken in and given out ahead, so that reading, compressing and writing overlap; in bytes. */
const GZIP_AHEAD = 2 << 20;
/** Where the header of gzip names the system that made it, and what stands there: `unknown`, as Go writes it. */
const GZIP_SYSTEM_AT = 9;
const GZIP_SYSTEM = 255;

function openGzip(out: Out): Compressor {
  const ahead = { writableHighWaterMark: GZIP_AHEAD, readableHighWaterMark: GZIP_AHEAD };
  const stream = createGzip({
    level: GZIP_LEVEL,
    memLevel: 8,
    windowBits: 15,
    strategy: constants.Z_DEFAULT_STRATEGY,
    chunkSize: GZIP_PIECE,
    ...ahead,
  });
  const giveOut = async (): Promise<void> => {
    let offset = 0;
    for await (const piece of stream) {
      const bytes = piece as Buffer;
      const at = GZIP_SYSTEM_AT - offset;
      if (at >= 0 && at < bytes.length) bytes[at] = GZIP_SYSTEM;
      offset += bytes.length;
      await out(bytes);
    }
  };
  const given = giveOut();
  // An error here is that of who waits for it below, or of nobody any more.
  given.catch(() => undefined);
  const drained = async (): Promise<void> =>
    new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off('drain', done).off('close', done);
        resolve();
      };
      stream.on('drain', done).on('close', done);
    });
  return {
    blockBytes: GZIP_BLOCK,
    async write(block, free) {
      if (!stream.write(block, () => free())) await drained();
      if (stream.destroyed) await given;
    },
    async end() {
      stream.end();
      await given;
    },
    async abort() {
      stream.destroy();
      await given.catch(() => undefined);
    },
  };
}
