/** A layer that is being written: hashed, compressed and stored while it comes. */
import { createHash } from 'node:crypto';
import type { Cache, CacheWriter } from '@rebake/cache';
import type { Digest } from '@rebake/image';
import { COMPRESSION_VERSION, compressor, neutral } from './compress.ts';
import { failure } from './failures.ts';
import { LAYER_TYPES } from './media-types.ts';
import type { Compression, Layer } from './types.ts';

/** What is compressed at once, in bytes. */
const BLOCK_BYTES = 512 << 10;

export interface LayerSink {
  /** Takes the next bytes of the tar, however many; resolves when more can be taken. They must not change afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  /** Stores what came. `expected`: the diff ID that it has to have; else it rejects with `BLOB_MISMATCH`. `name` is for people. */
  finish(expected?: { readonly diffId: Digest; readonly name: string }): Promise<Layer>;
  /** Forgets it. Nothing happens after `finish`. */
  abort(): Promise<void>;
}

/** Key of the fact that says which blob a layer is under a compression. */
export function layerKey(diffId: Digest, compression: Compression): string {
  return `${compression}@${COMPRESSION_VERSION} ${diffId}`;
}

/** Kind of the fact. */
export const LAYER_FACT = 'layer';

/** What is kept: a layer, as plain data. */
export type LayerFact = {
  readonly diffId: Digest;
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
};

export async function openLayerSink(cache: Cache, compression: Compression, signal: AbortSignal): Promise<LayerSink> {
  signal.throwIfAborted();
  const hash = createHash('sha256');
  const writer = await cache.begin();
  const stream = compressor(compression);
  // An error here is that of who waits for it below, or of nobody any more.
  const storing = store(stream, writer, compression);
  storing.catch(() => undefined);

  async function drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off('drain', done).off('close', done);
        resolve();
      };
      stream.on('drain', done).on('close', done);
    });
  }

  /** What is compressed depends on how it is cut, with zstd: so it is always cut in the same way. */
  let block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let used = 0;
  /** Blocks that were compressed: fresh memory costs more than a copy. */
  const free: Buffer[] = [];

  async function compress(bytes: Uint8Array, done?: () => void): Promise<void> {
    signal.throwIfAborted();
    const hasRoom = stream.write(bytes, done);
    // While others compress what came before.
    hash.update(bytes);
    if (!hasRoom) await drained();
    if (stream.destroyed) await storing;
  }

  return {
    async write(bytes) {
      for (let rest = bytes; rest.byteLength > 0;) {
        if (used === 0 && rest.byteLength >= BLOCK_BYTES) {
          await compress(rest.subarray(0, BLOCK_BYTES));
          rest = rest.subarray(BLOCK_BYTES);
          continue;
        }
        const piece = rest.subarray(0, BLOCK_BYTES - used);
        block.set(piece, used);
        used += piece.byteLength;
        rest = rest.subarray(piece.byteLength);
        if (used < BLOCK_BYTES) return;
        const full = block;
        block = free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
        used = 0;
        await compress(full, () => free.push(full));
      }
    },
    async finish(expected) {
      if (used > 0) await compress(block.subarray(0, used));
      stream.end();
      await storing;
      signal.throwIfAborted();
      const diffId: Digest = `sha256:${hash.digest('hex')}`;
      if (expected !== undefined && expected.diffId !== diffId) {
        throw failure('BLOB_MISMATCH', `${expected.name}: its content is that of ${diffId}, not of ${expected.diffId}`);
      }
      const { digest, size } = await writer.commit();
      const layer: LayerFact = { diffId, digest, size, mediaType: LAYER_TYPES[compression] };
      await cache.keep(LAYER_FACT, layerKey(diffId, compression), { value: layer, blobs: [digest] });
      return layer;
    },
    async abort() {
      stream.destroy();
      await storing.catch(() => undefined);
      await writer.abort();
    },
  };
}

async function store(stream: AsyncIterable<unknown>, writer: CacheWriter, compression: Compression): Promise<void> {
  let offset = 0;
  for await (const piece of stream) {
    const bytes = neutral(compression, piece as Buffer, offset);
    offset += bytes.length;
    await writer.append(bytes);
  }
}

/** Runs what writes to a sink; what fails leaves nothing behind. `expected`: as of `finish`. */
export async function intoLayer(
  cache: Cache,
  compression: Compression,
  signal: AbortSignal,
  work: (sink: LayerSink) => Promise<void>,
  expected?: { readonly diffId: Digest; readonly name: string },
): Promise<Layer> {
  const sink = await openLayerSink(cache, compression, signal);
  try {
    await work(sink);
    return await sink.finish(expected);
  } finally {
    await sink.abort();
  }
}
