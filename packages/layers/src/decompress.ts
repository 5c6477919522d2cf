/** Decompression of what comes from anywhere: all members and frames, nothing behind them, and no more than the limits allow. */
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { invalid } from './failures.ts';
import { DEFAULT_LIMITS, RATIO_FREE_BYTES, type ReadOptions } from './limits.ts';
import { compressionOf } from './media-types.ts';
import type { Compression } from './types.ts';

const PIECE_BYTES = 512 << 10;
const MAGIC_BYTES = 6;

type Kind = Compression | 'xz' | 'bzip2' | 'none';

/** What files begin with: those that are read, and those that are known and not read. */
const MAGIC: readonly (readonly [string, Exclude<Kind, 'none'>])[] = [
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
  const { kind: found, all } = await magicOf(counted(bytes, count));
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

/** What bytes are compressed by, as their first ones say; and all of them. */
export async function magicOf(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly kind: Kind; readonly all: AsyncGenerator<Uint8Array> }> {
  const bytes = source[Symbol.asyncIterator]();
  let begin: Uint8Array = Buffer.alloc(0);
  while (begin.byteLength < MAGIC_BYTES) {
    const { value, done } = await bytes.next();
    if (done === true) break;
    begin = begin.byteLength === 0 ? value : Buffer.concat([begin, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      if (begin.byteLength > 0) yield begin;
      for (let next = await bytes.next(); next.done !== true; next = await bytes.next()) yield next.value;
    } finally {
      await bytes.return?.();
    }
  }
  return { kind: kindOf(begin), all: all() };
}

function kindOf(begin: Uint8Array): Kind {
  const hex = Buffer.from(begin.subarray(0, MAGIC_BYTES)).toString('hex');
  const found = MAGIC.find(([magic]) => hex.startsWith(magic) || (magic === '2a4d18' && /^5.2a4d18/.test(hex)));
  return found?.[1] ?? 'none';
}

/**
 * Node's decompressors stop where a frame of zstd, or what follows the last member of gzip, ends within a piece, and drop the rest without a word. So
 * what one has used is compared with what it was given, and the rest is for the next one.
 */
async function* inflated(
  bytes: AsyncGenerator<Uint8Array>,
  kind: Compression,
  name: string,
): AsyncGenerator<Uint8Array> {
  try {
    let rest: Uint8Array | null = null;
    do {
      if (rest !== null && kind === 'gzip') throw invalid(name, 'there is something behind its end');
      rest = yield* onePart(bytes, rest, kind, name);
    } while (rest !== null);
  } finally {
    await bytes.return(undefined);
  }
}

/** What one decompressor makes of the bytes; returns those that it has left, if any. */
async function* onePart(
  bytes: AsyncGenerator<Uint8Array>,
  first: Uint8Array | null,
  kind: Compression,
  name: string,
): AsyncGenerator<Uint8Array, Uint8Array | null> {
  const options = { chunkSize: PIECE_BYTES };
  const stream = kind === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  const feeding = feed(bytes, first, stream).catch((error: unknown) => {
    stream.destroy();
    throw error;
  });
  feeding.catch(() => undefined);
  try {
    for await (const piece of stream) yield piece as Buffer;
    return await feeding;
  } catch (error) {
    stream.destroy();
    // What went wrong where the bytes come from, or else with the bytes themselves.
    await feeding;
    throw invalid(name, `it cannot be decompressed: ${(error as Error).message}`, undefined, error);
  } finally {
    stream.destroy();
    await feeding.catch(() => undefined);
  }
}

/** One piece after the other; resolves to what is left when no more is taken. */
async function feed(
  bytes: AsyncGenerator<Uint8Array>,
  first: Uint8Array | null,
  stream: Transform & { readonly bytesWritten: number },
): Promise<Uint8Array | null> {
  let piece = first ?? (await nextOf(bytes));
  for (; piece !== null; piece = await nextOf(bytes)) {
    const before = stream.bytesWritten;
    await write(stream, piece);
    const used = stream.bytesWritten - before;
    if (stream.errored !== null) return null;
    if (used < piece.byteLength) return piece.subarray(used);
    if (stream.destroyed) return null;
  }
  stream.end();
  return null;
}

async function nextOf(bytes: AsyncGenerator<Uint8Array>): Promise<Uint8Array | null> {
  for (;;) {
    const { value, done } = await bytes.next();
    if (done === true) return null;
    if (value.byteLength > 0) return value;
  }
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
