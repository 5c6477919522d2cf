// Downloads into a store: nothing twice, broken connections that go on where they were, and content that is not what it should be.
import { describe, expect, it } from 'vitest';
import { BuildFailure, digestOfBytes, type BlobSink, type Digest, type DownloadOptions } from '../src/index.ts';
import {
  client,
  errorReply,
  INDEX_TYPE,
  MANIFEST_TYPE,
  serve,
  tinyImage,
  tinyIndex,
  type Received,
  type Reply,
  type TinyImage,
} from './fake-registry.ts';
import { failureOf, put, temporaryLayout, textOf } from './layout-tools.ts';
import { memoryRegistry, type MemoryRegistry } from './memory-registry.ts';

const signal = new AbortController().signal;
const layers = ['first layer', 'second layer, which is longer'];
const image = tinyImage('amd64', layers);
const long = digestOfBytes(layers[1]!);
const total = [...image.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);

type First = (request: Received, it: MemoryRegistry) => Reply | 'hang up' | undefined;

/** A registry with images in it, and more manifests. */
function registryWith(
  first: First = () => undefined,
  images: readonly TinyImage[] = [image],
  ...manifests: readonly string[]
): MemoryRegistry {
  const registry = memoryRegistry(first);
  for (const one of images) {
    for (const [digest, content] of one.blobs) registry.blobs.set(`from ${digest}`, content);
    registry.manifests.set(`from ${one.manifest}`, one.manifestBytes);
  }
  for (const bytes of manifests) registry.manifests.set(`from ${digestOfBytes(bytes)}`, bytes);
  return registry;
}

interface Outcome {
  readonly result: string;
  readonly log: readonly string[];
  readonly ranges: readonly string[];
  readonly progress: readonly number[];
  readonly pauses: readonly number[];
}

async function download(
  registry: MemoryRegistry,
  into: BlobSink,
  options: Partial<DownloadOptions> & { readonly manifest?: Digest } = {},
): Promise<Outcome> {
  const { manifest = image.manifest, ...rest } = options;
  await using fake = await serve(registry.handle);
  const pauses: number[] = [];
  await using it = client({ pauses });
  const progress: number[] = [];
  const onBytes = (done: number): void => void progress.push(done);
  const promise = it.download({ registry: fake.host, repository: 'from', manifest }, into, {
    signal,
    onBytes,
    ...rest,
  });
  const result = await promise.catch((error: unknown) => {
    if (error instanceof BuildFailure) return `${error.error.code}: ${error.error.words}`;
    throw error;
  });
  const ranges = fake.requests.flatMap(({ headers }) => headers.range ?? []);
  return { result, log: fake.log(), ranges, progress, pauses };
}

/** Breaks off the long layer after `pieces` bytes, as often as `pieces` has any left. */
function breaking(pieces: number[], from: (content: string, offset: number) => Reply): First {
  return ({ path, headers }) => {
    if (!path.endsWith(long)) return undefined;
    const offset = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const cutAfter = pieces.shift();
    const reply = from(layers[1]!, offset);
    return cutAfter === undefined ? reply : { ...reply, cutAfter };
  };
}

const partial = (content: string, offset: number): Reply => ({
  status: offset === 0 ? 200 : 206,
  headers: {
    'content-length': String(content.length - offset),
    ...(offset === 0 ? {} : { 'content-range': `bytes ${offset}-${content.length - 1}/${content.length}` }),
  },
  body: content.slice(offset),
});

const whole = (content: string): Reply => ({
  status: 200,
  headers: { 'content-length': String(content.length) },
  body: content,
});

describe('a download', () => {
  it('brings an image, the manifest last, and nothing twice', async () => {
    using made = temporaryLayout();
    const written: Digest[] = [];
    const sink: BlobSink = {
      has: async (digest) => made.layout.has(digest),
      async write(expected, bytes) {
        await made.layout.write(expected, bytes);
        written.push(expected.digest);
      },
    };
    const { result, progress } = await download(registryWith(), sink);
    expect(result).toBe(image.manifest);
    expect(written.at(-1)).toBe(image.manifest);
    expect(await made.layout.image(image.manifest)).toMatchObject({ identity: image.identity });
    for (const [digest, content] of image.blobs) expect(await textOf(made.layout.read(digest))).toBe(content);
    expect(progress.at(-1)).toBe(total);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    const again = await download(registryWith(), made.layout);
    expect(again.log).toEqual([`GET /v2/from/manifests/${image.manifest}`]);
    expect(again.progress.at(-1)).toBe(total);
  });

  it('leaves what the store has', async () => {
    using made = temporaryLayout();
    await put(made.layout, layers[1]!);
    const { log } = await download(registryWith(), made.layout);
    expect(log.some((line) => line.endsWith(long))).toBe(false);
    expect(await made.layout.image(image.manifest)).not.toBeNull();
  });

  it('keeps a manifest of Docker as it is', async () => {
    using made = temporaryLayout();
    const bytes = image.manifestBytes.replace(MANIFEST_TYPE, 'application/vnd.docker.distribution.manifest.v2+json');
    const { result } = await download(registryWith(undefined, [image], bytes), made.layout, {
      manifest: digestOfBytes(bytes),
    });
    expect(result).toBe(digestOfBytes(bytes));
    expect(await made.layout.image(result)).toMatchObject({ identity: image.identity });
  });

  it('of an index brings all images, or that of the platform', async () => {
    const arm = tinyImage('arm64', ['third']);
    const statement = tinyImage('unknown', ['statement']);
    const entries = [
      [image, 'linux', 'amd64'],
      [arm, 'linux', 'arm64'],
      [statement, 'unknown', 'unknown'],
    ] as const;
    const manifests = entries.map(([{ manifest, manifestBytes }, os, architecture]) => ({
      mediaType: MANIFEST_TYPE,
      digest: manifest,
      size: manifestBytes.length,
      platform: { os, architecture },
    }));
    const bytes = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests });
    const manifest = digestOfBytes(bytes);
    const registry = registryWith(undefined, [image, arm, statement], bytes);
    using all = temporaryLayout();
    using one = temporaryLayout();
    expect((await download(registry, all.layout, { manifest })).result).toBe(manifest);
    expect(await all.layout.image(manifest, 'linux/amd64')).toMatchObject({ identity: image.identity });
    expect(await all.layout.image(manifest, 'linux/arm64')).toMatchObject({ identity: arm.identity });
    expect(await all.layout.has(statement.identity)).not.toBeNull();
    expect((await download(registry, one.layout, { manifest, platform: 'linux/arm64' })).result).toBe(manifest);
    expect(await one.layout.image(manifest, 'linux/arm64')).toMatchObject({ identity: arm.identity });
    expect(await one.layout.image(manifest, 'linux/amd64')).toBeNull();
    const index = tinyIndex({ amd64: image });
    const lacking = registryWith(undefined, [image], index.bytes);
    expect((await download(lacking, one.layout, { manifest: index.digest, platform: 'linux/arm64' })).result).toMatch(
      /^PLATFORM_MISSING: .*no image for linux\/arm64, only for linux\/amd64/,
    );
    const nested = JSON.stringify({
      schemaVersion: 2,
      mediaType: INDEX_TYPE,
      manifests: [{ mediaType: INDEX_TYPE, digest: index.digest, size: 1 }],
    });
    const deep = registryWith(undefined, [image], index.bytes, nested);
    expect((await download(deep, one.layout, { manifest: digestOfBytes(nested) })).result).toMatch(
      /^PLATFORM_MISSING: .*an index in an index/,
    );
  });

  it('fails where the image or a part of it is not, without a manifest in the store', async () => {
    using made = temporaryLayout();
    expect((await download(memoryRegistry(), made.layout)).result).toMatch(/^REGISTRY_NOT_FOUND: .* is not there/);
    const registry = registryWith();
    registry.blobs.delete(`from ${long}`);
    expect((await download(registry, made.layout)).result).toMatch(/^REGISTRY_NOT_FOUND: .*blob .* is not there/);
    expect(await made.layout.has(image.manifest)).toBeNull();
  });

  it('ends with the reason of its signal, and with what its store throws', async () => {
    using made = temporaryLayout();
    const controller = new AbortController();
    const registry = registryWith(({ path }) => {
      if (path.includes('/blobs/')) controller.abort(new Error('enough'));
      return undefined;
    });
    await expect(download(registry, made.layout, { signal: controller.signal })).rejects.toThrow('enough');
    const full: BlobSink = {
      has: async () => null,
      write: async () => {
        throw new BuildFailure({ code: 'LAYOUT_FULL', retry: 'never', words: 'no space' });
      },
    };
    expect((await download(registryWith(), full)).result).toBe('LAYOUT_FULL: no space');
  });

  it('of what is no digest is refused', async () => {
    using made = temporaryLayout();
    await using it = client();
    const at = { registry: '127.0.0.1:1', repository: 'from', manifest: 'latest' as Digest };
    expect(await failureOf(it.download(at, made.layout, { signal }))).toMatch(/^REFERENCE_INVALID: /);
  });
});

describe('a connection that breaks', () => {
  it('goes on where it was', async () => {
    using made = temporaryLayout();
    const { result, ranges, progress, pauses } = await download(
      registryWith(breaking([4, 0, 9], partial)),
      made.layout,
    );
    expect(result).toBe(image.manifest);
    expect(await textOf(made.layout.read(long))).toBe(layers[1]);
    expect(ranges).toEqual(['bytes=4-', 'bytes=4-', 'bytes=13-']);
    expect(pauses).toEqual([200, 800, 200]);
    expect(progress.at(-1)).toBe(total);
  });

  it('may break as often as it likes while it gets further', async () => {
    using made = temporaryLayout();
    const { result } = await download(
      registryWith(
        breaking(
          Array.from({ length: 14 }, () => 2),
          partial,
        ),
      ),
      made.layout,
    );
    expect(result).toBe(image.manifest);
    expect(await textOf(made.layout.read(long))).toBe(layers[1]);
  });

  it('goes on where the registry begins at the beginning', async () => {
    using made = temporaryLayout();
    const { result } = await download(registryWith(breaking([4, 2, 20], whole)), made.layout);
    expect(result).toBe(image.manifest);
    expect(await textOf(made.layout.read(long))).toBe(layers[1]);
  });

  it('is given up when nothing more comes', async () => {
    using made = temporaryLayout();
    const { result, pauses } = await download(registryWith(breaking([4, 0, 0, 0, 0, 0], partial)), made.layout);
    expect(result).toMatch(/^REGISTRY_UNREACHABLE: /);
    expect(pauses).toEqual([200, 800]);
    expect(await made.layout.has(long)).toBeNull();
  });

  it('is one too when the answer is too short', async () => {
    using made = temporaryLayout();
    let isFirst = true;
    const registry = registryWith(({ path, headers }) => {
      if (!path.endsWith(long) || headers.range !== undefined || !isFirst) return undefined;
      isFirst = false;
      return { status: 200, body: layers[1]!.slice(0, 6) };
    });
    const { result, ranges } = await download(registry, made.layout);
    expect(result).toBe(image.manifest);
    expect(ranges).toEqual(['bytes=6-']);
  });
});

describe('a registry that sends something else', () => {
  it.each<[string, First, RegExp]>([
    [
      'other bytes',
      ({ path }) => (path.endsWith(long) ? { status: 200, body: layers[1]!.toUpperCase() } : undefined),
      /^REGISTRY_CORRUPT: .*the content is that of/,
    ],
    [
      'more bytes',
      ({ path }) => (path.endsWith(long) ? { status: 200, body: `${layers[1]!} and more` } : undefined),
      /^REGISTRY_CORRUPT: .*has more than 29 bytes/,
    ],
    [
      'another part',
      breaking([4], (content, offset) => partial(content, offset === 0 ? 0 : offset + 1)),
      /^REGISTRY_CORRUPT: .*from byte 4 on, and another part came/,
    ],
    [
      'another manifest',
      ({ path }) =>
        path.includes('/manifests/') ? { status: 200, body: tinyImage('arm64').manifestBytes } : undefined,
      /^REGISTRY_CORRUPT: .*not that of/,
    ],
    [
      'a refusal',
      ({ path }) => (path.endsWith(long) ? errorReply(403, 'DENIED', 'not yours') : undefined),
      /^REGISTRY_DENIED: .*not yours/,
    ],
  ])('is found out: %s', async (_, first, words) => {
    using made = temporaryLayout();
    expect((await download(registryWith(first), made.layout)).result).toMatch(words);
    expect(await made.layout.has(long)).toBeNull();
    expect(await made.layout.has(image.manifest)).toBeNull();
  });
});
