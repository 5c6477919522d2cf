// Uploads from a store: nothing twice, pieces that go on where they broke, registries and stores that are not what they should be.
import { describe, expect, it } from 'vitest';
import {
  BuildFailure,
  digestOfBytes,
  type BlobSource,
  type Digest,
  type SentBytes,
  type UploadOptions,
} from '../src/index.ts';
import {
  client,
  errorReply,
  serve,
  tinyImage,
  tinyIndex,
  type Received,
  type Reply,
  type TinyImage,
} from './fake-registry.ts';
import { failureOf, pieces } from './layout-tools.ts';
import { memoryRegistry, type MemoryRegistry } from './memory-registry.ts';

const signal = new AbortController().signal;
const layers = ['first layer', 'second layer, which is longer'];
const image = tinyImage('amd64', layers);
const [long, config] = [digestOfBytes(layers[1]!), image.identity];
const total = [...image.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);

/** A source that is no layout: anything with `read` will do. */
function source(...contents: readonly (string | TinyImage)[]): BlobSource & { contents: Map<Digest, string> } {
  const all = new Map<Digest, string>();
  for (const one of contents) {
    const texts = typeof one === 'string' ? [one] : [one.manifestBytes, ...one.blobs.values()];
    for (const text of texts) all.set(digestOfBytes(text), text);
  }
  return {
    contents: all,
    async *read(digest, { offset = 0, length = Infinity } = {}) {
      const content = all.get(digest);
      if (content === undefined) throw new BuildFailure({ code: 'BLOB_MISSING', retry: 'never', words: digest });
      yield* pieces(content.slice(offset, offset + length), 5);
    },
  };
}

interface Outcome {
  readonly result: string;
  /** What became of the bytes; null where it failed. */
  readonly bytes: SentBytes | null;
  /** `METHOD path`, with what says which part of an upload it is. */
  readonly log: readonly string[];
  readonly progress: readonly number[];
  readonly pauses: readonly number[];
}

async function upload(
  registry: MemoryRegistry,
  options: Partial<UploadOptions> & {
    readonly from?: BlobSource;
    readonly manifest?: Digest;
    readonly tag?: string | null;
  } = {},
): Promise<Outcome> {
  const { from = source(image), manifest = image.manifest, tag = 'x', ...rest } = options;
  await using fake = await serve(registry.handle);
  const pauses: number[] = [];
  await using it = client({ pauses });
  const progress: number[] = [];
  const to = { registry: fake.host, repository: 'to', ...(tag === null ? {} : { tag }) };
  const onBytes = (done: number): void => void progress.push(done);
  const promise = it.upload(from, manifest, to, { signal, onBytes, ...rest });
  const { digest: result, bytes } = await promise.catch((error: unknown) => {
    if (error instanceof BuildFailure) return { digest: `${error.error.code}: ${error.error.words}`, bytes: null };
    throw error;
  });
  const log = fake.requests.map(({ method, path, headers }) =>
    `${method} ${path} ${headers['content-range'] ?? ''}`.trim(),
  );
  return { result, bytes, log, progress, pauses };
}

const stored = (registry: MemoryRegistry): Record<string, string> =>
  Object.fromEntries([...registry.blobs].map(([key, content]) => [key.slice('to '.length), content]));

const patches = (log: readonly string[]): string[] =>
  log.filter((line) => line.startsWith('PATCH')).map((line) => line.split(' ')[2] ?? '');

describe('an upload', () => {
  it('sends what is missing, then the manifest under its tag', async () => {
    const registry = memoryRegistry();
    const { result, log, progress } = await upload(registry);
    expect(result).toBe(image.manifest);
    expect(stored(registry)).toEqual(Object.fromEntries(image.blobs));
    expect(registry.manifests.get('to x')).toBe(image.manifestBytes);
    expect(log.at(-1)).toBe('PUT /v2/to/manifests/x');
    expect(patches(log)).toEqual([]);
    expect(progress.at(-1)).toBe(total);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    const again = await upload(registry);
    expect(again.log.filter((line) => !line.startsWith('HEAD'))).toEqual(['PUT /v2/to/manifests/x']);
    expect(again.progress.at(-1)).toBe(total);
  });

  it('needs no tag', async () => {
    const registry = memoryRegistry();
    const { log } = await upload(registry, { tag: null });
    expect(log.at(-1)).toBe(`PUT /v2/to/manifests/${image.manifest}`);
  });

  it('of an index sends its images first', async () => {
    const arm = tinyImage('arm64', ['third']);
    const index = tinyIndex({ amd64: image, arm64: arm });
    const registry = memoryRegistry();
    const from = source(image, arm, index.bytes);
    const { result, log } = await upload(registry, { from, manifest: index.digest });
    expect(result).toBe(index.digest);
    expect(log.slice(-3)).toEqual(
      [image.manifest, arm.manifest, 'x'].map((reference) => `PUT /v2/to/manifests/${reference}`),
    );
    const half = await upload(memoryRegistry(), { from: source(image, index.bytes), manifest: index.digest });
    expect(half).toMatchObject({ result: `BLOB_MISSING: ${arm.manifest}`, log: [] });
  });

  it('mounts what a neighbour has, and sends the rest', async () => {
    const registry = memoryRegistry(({ path }) =>
      path.startsWith('/v2/closed/') ? errorReply(403, 'DENIED', 'not yours') : undefined,
    );
    registry.blobs.set(`base ${long}`, layers[1]!);
    const { log, result } = await upload(registry, { mountFrom: ['closed', 'empty', 'to', 'base'] });
    expect(result).toBe(image.manifest);
    expect(stored(registry)).toMatchObject(Object.fromEntries(image.blobs));
    // The two others of its three blobs.
    expect(log.filter((line) => line.startsWith('PUT /v2/to/blobs'))).toHaveLength(2);
    expect(log.filter((line) => line.includes('closed')).every((line) => line.startsWith('HEAD'))).toBe(true);
  });

  it('sends what a neighbour has and does not give', async () => {
    const registry = memoryRegistry((request) => {
      if (request.method !== 'POST') return undefined;
      request.query.delete('mount');
      return undefined;
    });
    for (const [digest, content] of image.blobs) registry.blobs.set(`base ${digest}`, content);
    const { result } = await upload(registry, { mountFrom: ['base'] });
    expect(result).toBe(image.manifest);
    expect(registry.blobs.get(`to ${long}`)).toBe(layers[1]);
  });

  interface Wrong {
    readonly registry?: string;
    readonly repository?: string;
    readonly tag?: string;
    readonly mountFrom?: readonly string[];
    readonly manifest?: Digest;
  }

  it.each<[string, Wrong]>([
    ['the registry', { registry: 'not a host' }],
    ['the repository', { repository: '../x' }],
    ['the tag', { tag: '-x' }],
    ['a neighbour', { mountFrom: ['UPPER'] }],
    ['the digest', { manifest: 'latest' as Digest }],
  ])('asks nothing when %s is none', async (_, wrong) => {
    await using fake = await serve(memoryRegistry().handle);
    await using it = client();
    const { registry = fake.host, repository = 'to', tag = 'x', mountFrom = [], manifest = image.manifest } = wrong;
    const promise = it.upload(source(image), manifest, { registry, repository, tag }, { signal, mountFrom });
    expect(await failureOf(promise)).toMatch(/^REFERENCE_INVALID: /);
    expect(fake.requests).toEqual([]);
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const registry = memoryRegistry(({ method }) => {
      if (method === 'POST') controller.abort(new Error('enough'));
      return undefined;
    });
    await expect(upload(registry, { signal: controller.signal })).rejects.toThrow('enough');
  });

  it('begins a blob anew when it breaks, and gives up after some tries', async () => {
    const broken = new Set<string>();
    const once = memoryRegistry(({ method, query }) => {
      const blob = query.get('digest');
      if (method !== 'PUT' || blob === null || broken.has(blob)) return undefined;
      broken.add(blob);
      return broken.size % 2 === 0 ? 'hang up' : { status: 503 };
    });
    const { result, progress, pauses } = await upload(once);
    expect(result).toBe(image.manifest);
    expect(stored(once)).toEqual(Object.fromEntries(image.blobs));
    expect(progress.at(-1)).toBe(total);
    expect(pauses).toEqual([200, 200, 200]);
    const never = memoryRegistry(({ method, query }) =>
      method === 'PUT' && query.has('digest') ? errorReply(503, 'BUSY', 'disk') : undefined,
    );
    expect((await upload(never)).result).toMatch(/^REGISTRY_UNREACHABLE: .*disk/);
  });
});

describe('pieces', () => {
  const small = { chunkBytes: 12 };
  const ranges = ['0-11', '12-23', '24-28'];
  const ofLong = (log: readonly string[]): string[] =>
    patches(log).filter((range) => !range.startsWith('0-1') || range === '0-11');

  /** Only the long layer is large enough; the config is there already, so that the log is that of one upload. */
  function only(first?: (request: Received, it: MemoryRegistry) => Reply | 'hang up' | undefined): MemoryRegistry {
    const registry = memoryRegistry(first);
    registry.blobs.set(`to ${config}`, image.blobs.get(config)!);
    registry.blobs.set(`to ${digestOfBytes(layers[0]!)}`, layers[0]!);
    return registry;
  }

  it('of a large blob go one after the other, each to where the registry said', async () => {
    const registry = only();
    const { result, log, progress } = await upload(registry, small);
    expect(result).toBe(image.manifest);
    expect(ofLong(log)).toEqual(ranges);
    expect(registry.blobs.get(`to ${long}`)).toBe(layers[1]);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it('are as large as the registry wants them at the least', async () => {
    const registry = only((request) =>
      request.method === 'POST'
        ? { status: 202, headers: { location: '/v2/to/blobs/uploads/mine', 'oci-chunk-min-length': '20' } }
        : undefined,
    );
    registry.uploads.set('/v2/to/blobs/uploads/mine', '');
    const { log, result } = await upload(registry, small);
    expect(result).toBe(image.manifest);
    expect(patches(log)).toEqual(['0-19', '20-28']);
  });

  it('go on where the registry is after a break', async () => {
    let breaks = 0;
    const registry = only(({ method, path, body, headers }, it) => {
      if (method !== 'PATCH' || headers['content-range'] !== '12-23' || breaks > 0) return undefined;
      breaks++;
      it.uploads.set(path, it.uploads.get(path)! + body.slice(0, 5));
      return 'hang up';
    });
    const { result, log, progress } = await upload(registry, small);
    expect(result).toBe(image.manifest);
    expect(patches(log)).toEqual(['0-11', '12-23', '17-28']);
    expect(registry.blobs.get(`to ${long}`)).toBe(layers[1]);
    expect(log.filter((line) => line.startsWith('POST'))).toHaveLength(1);
    expect(progress.at(-1)).toBe(total);
  });

  it('go on with what the registry took, when it took less', async () => {
    let isFirst = true;
    const registry = only(({ method, path, body }, it) => {
      if (method !== 'PATCH' || !isFirst) return undefined;
      isFirst = false;
      it.uploads.set(path, body.slice(0, 4));
      return { status: 202, headers: { location: path, range: '0-3' } };
    });
    const { result, log } = await upload(registry, small);
    expect(result).toBe(image.manifest);
    expect(patches(log)).toEqual(['0-11', '4-15', '16-27', '28-28']);
  });

  it.each<[string, number]>([
    ['is unknown after a break', 0],
    ['is out of step', 416],
    ['has expired', 404],
  ])('begin anew when the upload %s', async (_, status) => {
    let breaks = 0;
    const registry = only(({ method, path, headers }, it) => {
      if (method !== 'PATCH' || headers['content-range'] !== '12-23' || breaks > 0) return undefined;
      breaks++;
      it.uploads.delete(path);
      return status === 0 ? 'hang up' : errorReply(status, 'BLOB_UPLOAD_INVALID', 'invalid');
    });
    const { result, log, progress } = await upload(registry, small);
    expect(result).toBe(image.manifest);
    expect(patches(log)).toEqual(['0-11', '12-23', ...ranges]);
    expect(progress.at(-1)).toBe(total);
  });

  it('are not sent again when only the last answer was lost', async () => {
    let isFirst = true;
    const registry = only(({ method, query }, it) => {
      if (method !== 'PUT' || !query.has('digest') || !isFirst) return undefined;
      isFirst = false;
      it.blobs.set(`to ${long}`, layers[1]!);
      return 'hang up';
    });
    const { result, log } = await upload(registry, small);
    expect(result).toBe(image.manifest);
    expect(patches(log)).toEqual(ranges);
  });

  it('are given up for one request where the registry takes none', async () => {
    const registry = memoryRegistry(({ method }) =>
      method === 'PATCH' ? errorReply(405, 'UNSUPPORTED', 'no pieces') : undefined,
    );
    const { result, progress } = await upload(registry, small);
    expect(result).toBe(image.manifest);
    expect(stored(registry)).toEqual(Object.fromEntries(image.blobs));
    expect(progress.at(-1)).toBe(total);
  });

  it('are given up when none gets through', async () => {
    const registry = only(({ method }) => (method === 'PATCH' ? errorReply(502, 'BAD', 'gateway') : undefined));
    const { result, log, pauses } = await upload(registry, small);
    expect(result).toMatch(/^REGISTRY_UNREACHABLE: .*gateway/);
    expect(patches(log)).toHaveLength(3);
    expect(pauses).toEqual([200, 800]);
  });

  it.each([0, 1.5, Number.NaN])('cannot have %s bytes', async (chunkBytes) => {
    await expect(upload(memoryRegistry(), { chunkBytes })).rejects.toThrow(RangeError);
  });
});

describe('a damaged source', () => {
  const from = source(image);
  from.contents.set(long, layers[1]!.replace('longer', 'LONGER'));

  it.each([
    ['whole', {}],
    ['in pieces', { chunkBytes: 12 }],
  ])('is not uploaded, and blamed: %s', async (_, options) => {
    const registry = memoryRegistry();
    const { result } = await upload(registry, { from, ...options });
    expect(result).toMatch(/^BLOB_MISMATCH: the stored content is not that of sha256/);
    expect(registry.manifests.size).toBe(0);
  });

  it('is not blamed for a registry that finds fault with right content', async () => {
    const registry = memoryRegistry(({ method, query }) =>
      method === 'PUT' && query.has('digest') ? errorReply(400, 'DIGEST_INVALID', 'wrong') : undefined,
    );
    expect((await upload(registry, { chunkBytes: 12 })).result).toMatch(/^REGISTRY_REFUSED: .*DIGEST_INVALID: wrong/);
  });

  it.each([
    ['shorter', 'second'],
    ['longer', `Indeed, ${layers[1]!}`],
  ])('that is %s is found out', async (_, content) => {
    const other = source(image);
    other.contents.set(long, content);
    for (const chunkBytes of [12, 1000]) {
      expect((await upload(memoryRegistry(), { from: other, chunkBytes })).result).toMatch(/^BLOB_MISMATCH: /);
    }
  });

  it('or one without an image is said to be so', async () => {
    const blob = source('no manifest');
    const digest = digestOfBytes('no manifest');
    expect((await upload(memoryRegistry(), { from: blob, manifest: digest })).result).toMatch(
      /^BLOB_MISMATCH: sha256:\w+ cannot be uploaded: not JSON/,
    );
    blob.contents.set(digest, 'something else');
    expect((await upload(memoryRegistry(), { from: blob, manifest: digest })).result).toMatch(/^BLOB_MISMATCH: /);
    expect((await upload(memoryRegistry(), { from: source() })).result).toMatch(/^BLOB_MISSING: /);
  });
});
