/** Blobs of images: in the cache, in the layout, or to be fetched into the cache when somebody wants to read them. */
import { BuildFailure, type BlobSink, type BlobSource, type Digest, type Layout, type ManifestAt } from '@rebake/image';
import type { Cache, Downloader } from '@rebake/cache';
import type { LayerSource } from '@rebake/layers';
import { failure, Turns, unlessAborted, type Registries, type Use } from '@rebake/sdk/building';
import { isHeld, type Image, type ImageLayer } from '../image.ts';
import { sizesOf } from '../words.ts';

/** What a fetch needs. `download`: for layers that are at addresses of their own. */
export interface Reading extends Use {
  readonly download: () => Promise<Pick<Downloader, 'blob'>>;
}

export interface Blobs {
  /** Whether a blob is in the layout or in the cache. */
  isHere(digest: Digest): Promise<boolean>;
  /** Fetches layers into the cache where they are not here. */
  fetch(layers: readonly ImageLayer[], elsewhere: readonly ManifestAt[], reading: Reading): Promise<void>;
  /** The layers of an image, each fetched when it is first read. */
  sources(image: Image, reading: Reading): readonly LayerSource[];
  /** All of an image. */
  sourceOf(image: Image, reading: Reading): BlobSource;
  /** Brings the documents of an image into the cache. */
  documents(at: ManifestAt, identity: Digest, use: Use): Promise<void>;
}

export function createBlobs(cache: Cache, layout: Layout, registries: Registries): Blobs {
  const turns = new Turns();

  async function placeOf(digest: Digest): Promise<BlobSource | null> {
    if ((await cache.has(digest)) !== null) return cache;
    return (await layout.has(digest)) === null ? null : layout;
  }

  /** Takes from a registry what is wanted of an image, and asks for nothing else. */
  async function take(at: ManifestAt, wanted: ReadonlySet<Digest>, use: Use): Promise<void> {
    let done = 0;
    const sink: BlobSink = {
      has: async (digest) => (wanted.has(digest) ? cache.has(digest) : null),
      async write(expected, bytes) {
        // The bytes of what is not wanted are never asked for.
        if (!wanted.has(expected.digest)) return;
        await cache.write(
          expected,
          counted(bytes, (more) => use.emit({ type: 'bytes', done: (done += more) })),
        );
      },
    };
    await registries.client(use).download(at, sink, { signal: use.signal });
  }

  async function missingOf(layers: readonly ImageLayer[]): Promise<ImageLayer[]> {
    const missing: ImageLayer[] = [];
    for (const layer of layers) if ((await placeOf(layer.digest)) === null) missing.push(layer);
    return missing;
  }

  async function fetchNow(layers: readonly ImageLayer[], elsewhere: readonly ManifestAt[], reading: Reading) {
    let missing = await missingOf(layers);
    for (const layer of missing.filter((one) => !isHeld(one))) await fetchForeign(layer, reading);
    let last: BuildFailure | null = null;
    for (const at of elsewhere) {
      missing = await missingOf(missing);
      if (missing.length === 0) return;
      try {
        await take(at, new Set(missing.map(({ digest }) => digest)), reading);
        reading.emit({ type: 'log', text: `fetched from ${at.registry}/${at.repository}: ${sizesOf(missing)}` });
      } catch (error) {
        reading.signal.throwIfAborted();
        if (!(error instanceof BuildFailure)) throw error;
        last = error;
      }
    }
    const [first] = await missingOf(missing);
    if (first === undefined) return;
    if (last !== null) throw last;
    throw failure(
      'IMAGE_MISSING',
      'never',
      `the layer ${first.digest} is not here, and no registry is known to have it`,
    );
  }

  async function fetchForeign({ digest, size, urls = [] }: ImageLayer, reading: Reading): Promise<void> {
    const download = await reading.download();
    let last: unknown = failure('IMAGE_MISSING', 'never', `the layer ${digest} has no address that can be used`);
    // An image of somebody else's names no files of this machine.
    for (const url of urls.filter((one) => /^https?:/i.test(one))) {
      try {
        return await download.blob({ url, digest, size, name: `layer ${digest}` }, reading.signal);
      } catch (error) {
        reading.signal.throwIfAborted();
        last = error;
      }
    }
    throw last;
  }

  const fetch: Blobs['fetch'] = async (layers, elsewhere, reading) => {
    // Whoever comes second for the same layers finds them there.
    const name = layers.map(({ digest }) => digest).join(' ');
    await unlessAborted(
      turns.take(name, async () => {
        reading.signal.throwIfAborted();
        await fetchNow(layers, elsewhere, reading);
      }),
      reading.signal,
    );
  };

  async function* readLayer(
    layer: ImageLayer,
    image: Pick<Image, 'elsewhere'>,
    reading: Reading,
    range?: Parameters<BlobSource['read']>[1],
  ): AsyncGenerator<Uint8Array> {
    if ((await placeOf(layer.digest)) === null) await fetch([layer], image.elsewhere, reading);
    yield* ((await placeOf(layer.digest)) ?? cache).read(layer.digest, range);
  }

  return {
    isHere: async (digest) => (await placeOf(digest)) !== null,
    fetch,
    sources: (image, reading) =>
      image.layers.map((layer) => {
        const { diffId, digest, size, mediaType } = layer;
        return { diffId, digest, size, mediaType, read: (range) => readLayer(layer, image, reading, range) };
      }),
    sourceOf: (image, reading) => ({
      async *read(digest, range) {
        const layer = image.layers.find((one) => one.digest === digest);
        if (layer !== undefined) yield* readLayer(layer, image, reading, range);
        else yield* ((await placeOf(digest)) ?? layout).read(digest, range);
      },
    }),
    async documents(at, identity, use) {
      await take(at, new Set([at.manifest, identity]), use);
    },
  };
}

async function* counted(bytes: AsyncIterable<Uint8Array>, count: (more: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    yield chunk;
    count(chunk.byteLength);
  }
}
