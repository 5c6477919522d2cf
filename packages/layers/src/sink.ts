/** A layer that is being written: hashed, compressed and stored while it comes. */
import { createHash } from 'node:crypto';
import type { Cache } from '@rebake/cache';
import type { Digest } from '@rebake/image';
import { COMPRESSION_VERSION, openCompressor } from './compress.ts';
import { failure } from './failures.ts';
import { LAYER_TYPES } from './media-types.ts';
import type { Compression, Layer } from './types.ts';

export interface LayerSink {
  /** Takes the next bytes of the tar, however many; resolves when more can be taken, and they are not needed any more. */
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
  const compressor = openCompressor(compression, async (bytes) => writer.append(bytes));
  const { blockBytes } = compressor;
  /** What comes is cut into blocks, since what is compressed may depend on how it is cut. Memory is used again: fresh one costs more than a copy. */
  const unused: Buffer[] = [];
  let block: Buffer = Buffer.allocUnsafeSlow(blockBytes);
  let used = 0;

  async function compress(full: Buffer, bytes: Buffer): Promise<void> {
    signal.throwIfAborted();
    const room = compressor.write(bytes, () => unused.push(full));
    // While others compress.
    hash.update(bytes);
    await room;
  }

  return {
    async write(bytes) {
      for (let rest = bytes; rest.byteLength > 0;) {
        const piece = rest.subarray(0, blockBytes - used);
        block.set(piece, used);
        used += piece.byteLength;
        rest = rest.subarray(piece.byteLength);
        if (used < blockBytes) return;
        const full = block;
        block = unused.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
        used = 0;
        await compress(full, full);
      }
    },
    async finish(expected) {
      if (used > 0) await compress(block, block.subarray(0, used));
      await compressor.end();
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
      await compressor.abort();
      await writer.abort();
    },
  };
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
