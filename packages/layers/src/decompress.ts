/** Decompression of what comes from anywhere: all members and frames, nothing behind them, and no more than the limits allow. */
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { BuildFailure } from '@rebake/image';
import { invalid } from './failures.ts';
import { DEFAULT_LIMITS, RATIO_FREE_BYTES, type ReadOptions } from './limits.ts';
import { compressionOf } from './media-types.ts';
import type { Compression } from './types.ts';

const PIECE_BYTES = 512 << 10;
const MAGIC_BYTES = 6;

/** What files begin with: those that are read, and those that are known and not read. */
const MAGIC: readonly (readonly [string, Compression | 'xz' | 'bzip2'])[] = [
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  // Frames that are to be skipped may stand first; the last digit is any.
  ['2a4d18', 'zstd'],
  ['fd377a585a00', 'xz'],
  ['425a68', 'bzip2'],
];

/**
 * The bytes decompressed. `mediaType` is that of a layer; null, or one that does not tell: what the bytes begin with decides. Rejects with a
 * `BuildFailure` `ARCHIVE_INVALID` for what is torn, is compressed in another way, has something behind its end, or becomes larger than the
 * limits allow; and with what `bytes` throws.
 */
export async function* decompress(
  bytes: AsyncIterable<Uint8Array>,
  mediaType: string | null,
  options: ReadOptions = {},
): AsyncGenerator<Uint8Array> {
  const { name = 'archive' } = options;
  const limits = { ...DEFAULT_LIMITS, ...options };
  const count = { input: 0, output: 0 };
  const { begin, all } = await peek(counted(bytes, count));
  const found = kindOf(begin);
  const said = mediaType === null ? null : compressionOf(mediaType);
  if (found === 'xz' || found === 'bzip2') throw invalid(name, `it is compressed by ${found}, which is not read here`);
  if (said !== null && said !== found) throw invalid(name, `it is said to be ${said}, and is ${found}`);
  for await (const piece of found === 'none' ? all : inflated(all, found, name)) {
    count.output += piece.byteLength;
    if (count.output > limits.maxBytes) throw invalid(name, `it has more than ${limits.maxBytes} bytes`);
    if (count.output > RATIO_FREE_BYTES && count.output > count.input * limits.maxRatio) {
      throw invalid(name, `it becomes more than ${limits.maxRatio} times as large when decompressed`);
    }
    yield piece;
  }
}

async function* counted(bytes: AsyncIterable<Uint8Array>, count: { input: number }): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    count.input += piece.byteLength;
    yield piece;
  }
}

/** The first bytes, and all of them. */
async function peek(
  bytes: AsyncGenerator<Uint8Array>,
): Promise<{ begin: Uint8Array; all: AsyncGenerator<Uint8Array> }> {
  let begin: Uint8Array = Buffer.alloc(0);
  while (begin.byteLength < MAGIC_BYTES) {
    const { value, done } = await bytes.next();
    if (done === true) break;
    begin = begin.byteLength === 0 ? value : Buffer.concat([begin, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      if (begin.byteLength > 0) yield begin;
      yield* bytes;
    } finally {
      await bytes.return(undefined);
    }
  }
  return { begin, all: all() };
}

function kindOf(begin: Uint8Array): Compression | 'xz' | 'bzip2' | 'none' {
  const hex = Buffer.from(begin.subarray(0, MAGIC_BYTES)).toString('hex');
  const found = MAGIC.find(([magic]) => hex.startsWith(magic) || (magic === '2a4d18' && /^5.2a4d18/.test(hex)));
  return found?.[1] ?? 'none';
}

async function* inflated(
  bytes: AsyncGenerator<Uint8Array>,
  kind: Compression,
  name: string,
): AsyncGenerator<Uint8Array> {
  const stream =
    kind === 'gzip' ? createGunzip({ chunkSize: PIECE_BYTES }) : createZstdDecompress({ chunkSize: PIECE_BYTES });
  const feeding = feed(bytes, stream, name).catch((error: unknown) => {
    stream.destroy();
    throw error;
  });
  feeding.catch(() => undefined);
  try {
    for await (const piece of stream) yield piece as Buffer;
    await feeding;
  } catch (error) {
    stream.destroy();
    // What went wrong where the bytes come from, or else with the bytes themselves.
    await feeding;
    if (error instanceof BuildFailure) throw error;
    throw invalid(name, `it cannot be decompressed: ${(error as Error).message}`, undefined, error);
  } finally {
    stream.destroy();
    await feeding.catch(() => undefined);
  }
}

/**
 * One piece after the other. Node stops where a frame of zstd or what follows a member of gzip ends within a piece, and drops the rest without a
 * word: so what it has used is compared with what it was given.
 */
async function feed(
  bytes: AsyncGenerator<Uint8Array>,
  stream: Transform & { readonly bytesWritten: number },
  name: string,
): Promise<void> {
  for await (const piece of bytes) {
    for (let rest = piece; rest.byteLength > 0;) {
      const before = stream.bytesWritten;
      await write(stream, rest);
      if (stream.destroyed) return;
      const used = stream.bytesWritten - before;
      if (used === 0 || (used < rest.byteLength && rest[used] === 0))
        throw invalid(name, 'there is something behind its end');
      rest = rest.subarray(used);
    }
  }
  stream.end();
}

/** Until the piece is used, or nobody will use it any more. */
async function write(stream: Transform, piece: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('close', done);
      resolve();
    };
    stream.on('close', done);
    stream.write(piece, done);
  });
}
