/** Contents of files in layers: one pass over a layer serves all that is asked of it meanwhile. */
import type { Cache } from '@rebake/cache';
import type { Digest } from '@rebake/image';
import { decompress } from '../decompress.ts';
import { invalid } from '../failures.ts';
import { pullStream, type Pull } from '../tar/pull.ts';
import type { LayerSource } from '../types.ts';

/** Where a content is in a layer's tar, in bytes. */
export interface Span {
  readonly offset: number;
  readonly size: number;
}

/** What is up to this size is kept in the cache by itself, since the same few files are asked for again and again. In bytes. */
const KEPT_BYTES = 16 << 20;

/** Goes through a layer once; `to` gets each content, in the order of the layer. Rejects with `ARCHIVE_INVALID` where the layer ends too early. */
export async function passOver<T extends Span>(
  layer: LayerSource,
  spans: readonly T[],
  signal: AbortSignal,
  to: (span: T, pieces: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const name = `layer ${layer.digest}`;
  const pull = pullStream(decompress(layer.read(), layer.mediaType, { name }));
  try {
    for (const span of spans.toSorted((a, b) => a.offset - b.offset)) {
      signal.throwIfAborted();
      await pull.skip(span.offset - pull.offset);
      await to(span, whole(pull, span, name));
    }
  } finally {
    await pull.close();
  }
}

async function* whole(pull: Pull, { offset, size }: Span, name: string): AsyncGenerator<Uint8Array> {
  const end = offset + size;
  yield* pull.pieces(end - pull.offset);
  if (pull.offset < end) throw invalid(name, 'it ends too early');
}

export interface Contents {
  read(span: Span): Promise<Uint8Array>;
}

export function createContents(cache: Cache, layer: LayerSource, signal: AbortSignal): Contents {
  interface Asked extends Span {
    /** Of who asks. */
    readonly signal: AbortSignal;
    readonly resolve: (bytes: Uint8Array) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Asked[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    // Whoever asks for several things at once gets them in one pass.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    for (let all = take(); all.length > 0; all = take()) await serve(all);
    isRunning = false;
  }

  function take(): Asked[] {
    const all = waiting;
    waiting = [];
    return all;
  }

  async function serve(all: readonly Asked[]): Promise<void> {
    const byOffset = Map.groupBy(all, ({ offset }) => offset);
    const over = new AbortController();
    try {
      const spans = [...byOffset].map(([offset, [first]]) => ({ offset, size: first?.size ?? 0 }));
      await passOver(layer, spans, whenAll(all, over.signal), async ({ offset }, pieces) => {
        const parts: Uint8Array[] = [];
        for await (const piece of pieces) parts.push(piece);
        const bytes = Buffer.concat(parts);
        for (const { resolve } of byOffset.get(offset) ?? []) resolve(bytes);
      });
    } catch (error) {
      // Those that have their content already hear nothing of it.
      for (const { reject } of all) reject(error);
    } finally {
      over.abort();
    }
  }

  async function fromLayer(span: Span, asker: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      waiting.push({ ...span, signal: asker, resolve, reject });
      if (!isRunning) void run();
    });
  }

  return {
    async read(span) {
      if (span.size === 0) return Buffer.alloc(0);
      if (span.size > KEPT_BYTES) return fromLayer(span, signal);
      const key = `${layer.diffId} ${span.offset} ${span.size}`;
      const digest = await cache.once<Digest>(
        'layer-file',
        key,
        async (making) => {
          const value = await store(cache, await fromLayer(span, making));
          return { value, blobs: [value] };
        },
        signal,
      );
      const parts: Uint8Array[] = [];
      for await (const part of cache.read(digest)) parts.push(part);
      return Buffer.concat(parts);
    },
  };
}

/** Aborted when nobody waits any more. `over`: aborted when it does not matter any longer. */
function whenAll(asked: readonly { readonly signal: AbortSignal }[], over: AbortSignal): AbortSignal {
  const all = new AbortController();
  const look = (): void => {
    const last = asked.at(-1)?.signal;
    if (asked.every(({ signal }) => signal.aborted)) all.abort(last?.reason);
  };
  for (const { signal } of asked) signal.addEventListener('abort', look, { once: true, signal: over });
  look();
  return all.signal;
}

async function store(cache: Cache, bytes: Uint8Array): Promise<Digest> {
  const writer = await cache.begin();
  try {
    await writer.append(bytes);
    return (await writer.commit()).digest;
  } finally {
    await writer.abort();
  }
}
