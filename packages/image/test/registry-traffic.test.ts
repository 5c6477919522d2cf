// What an upload costs and what it tells of it: nothing crosses the network twice, busy registries are left alone, tokens may expire on the way.
import { describe, expect, it } from 'vitest';
import { BuildFailure, digestOfBytes, type BlobMemory, type BlobSource, type Digest } from '../src/index.ts';
import { client, errorReply, serve, tinyImage, type Handler, type Received, type TinyImage } from './fake-registry.ts';
import { failureOf, pieces } from './layout-tools.ts';
import { memoryRegistry } from './memory-registry.ts';

const signal = new AbortController().signal;
const one = tinyImage('amd64', ['shared', 'only the first']);
const two = tinyImage('amd64', ['shared', 'only the second']);
const shared = digestOfBytes('shared');

const sizeOf = (image: TinyImage): number => [...image.blobs.values()].reduce((sum, { length }) => sum + length, 0);

function source(...images: readonly TinyImage[]): BlobSource {
  const all = new Map<Digest, string>();
  for (const { manifest, manifestBytes, blobs } of images)
    for (const [digest, content] of [[manifest, manifestBytes] as const, ...blobs]) all.set(digest, content);
  return {
    async *read(digest, { offset = 0, length = Infinity } = {}) {
      const content = all.get(digest);
      if (content === undefined) throw new BuildFailure({ code: 'BLOB_MISSING', retry: 'never', words: digest });
      yield* pieces(content.slice(offset, offset + length), 5);
    },
  };
}

const blobPuts = (requests: readonly Received[]): string[] =>
  requests.flatMap(({ method, query }) => (method === 'PUT' && query.has('digest') ? [query.get('digest')!] : []));

describe('the bytes of an upload', () => {
  it('are counted as sent, there, and mounted', async () => {
    await using fake = await serve(memoryRegistry().handle);
    await using it = client();
    const at = { registry: fake.host, repository: 'a' };
    const first = await it.upload(source(one), one.manifest, at, { signal });
    expect(first).toEqual({ digest: one.manifest, bytes: { uploaded: sizeOf(one), mounted: 0, skipped: 0 } });
    const second = await it.upload(source(two), two.manifest, at, { signal });
    const own = sizeOf(two) - 'shared'.length;
    expect(second.bytes).toEqual({ uploaded: own, mounted: 0, skipped: 'shared'.length });
    await using stranger = client();
    const options = { signal, mountFrom: ['nowhere', 'a'] };
    const third = await stranger.upload(source(two), two.manifest, { ...at, repository: 'b' }, options);
    expect(third.bytes).toEqual({ uploaded: 0, mounted: sizeOf(two), skipped: 0 });
  });

  it('are counted once where two images that share some go up at once', async () => {
    await using fake = await serve(memoryRegistry().handle);
    await using it = client();
    const at = { registry: fake.host, repository: 'a' };
    const sent = await Promise.all(
      [one, two].map(async (image) => it.upload(source(image), image.manifest, at, { signal })),
    );
    const uploaded = sent.reduce((sum, { bytes }) => sum + bytes.uploaded, 0);
    expect(uploaded).toBe(sizeOf(one) + sizeOf(two) - 'shared'.length);
    expect(blobPuts(fake.requests).filter((digest) => digest === shared)).toHaveLength(1);
  });

  it('of a copy are counted alike, and mounted where this client put them before', async () => {
    await using left = await serve(memoryRegistry().handle);
    await using right = await serve(memoryRegistry().handle);
    await using it = client();
    const from = { registry: left.host, repository: 'a', manifest: one.manifest };
    await it.upload(source(one), one.manifest, from, { signal });
    const total = sizeOf(one);
    const bytesOf = async (host: string, repository: string) =>
      (await it.copy(from, { registry: host, repository, tag: 'x' }, { signal })).bytes;
    expect(await bytesOf(right.host, 'b')).toEqual({ uploaded: total, mounted: 0, skipped: 0 });
    expect(await bytesOf(right.host, 'b')).toEqual({ uploaded: 0, mounted: 0, skipped: total });
    expect(await bytesOf(right.host, 'c')).toEqual({ uploaded: 0, mounted: total, skipped: 0 });
    expect(await bytesOf(left.host, 'd')).toEqual({ uploaded: 0, mounted: total, skipped: 0 });
    expect(await bytesOf(left.host, 'a')).toEqual({ uploaded: 0, mounted: 0, skipped: total });
  });
});

describe('a blob that this client put into one repository', () => {
  it('is mounted into another one without a look', async () => {
    await using fake = await serve(memoryRegistry().handle);
    await using it = client();
    await it.upload(source(one), one.manifest, { registry: fake.host, repository: 'a' }, { signal });
    const before = fake.requests.length;
    const sent = await it.upload(source(one), one.manifest, { registry: fake.host, repository: 'b' }, { signal });
    expect(sent.bytes).toEqual({ uploaded: 0, mounted: sizeOf(one), skipped: 0 });
    expect(fake.log().slice(before).toSorted()).toEqual([
      ...Array<string>(3).fill('POST /v2/b/blobs/uploads/'),
      `PUT /v2/b/manifests/${one.manifest}`,
    ]);
  });

  it('is sent into the upload that is open by then, where the registry has lost it', async () => {
    const registry = memoryRegistry();
    await using fake = await serve(registry.handle);
    await using it = client();
    await it.upload(source(one), one.manifest, { registry: fake.host, repository: 'a' }, { signal });
    registry.blobs.clear();
    const before = fake.requests.length;
    const sent = await it.upload(source(one), one.manifest, { registry: fake.host, repository: 'b' }, { signal });
    expect(sent.bytes).toEqual({ uploaded: sizeOf(one), mounted: 0, skipped: 0 });
    const log = fake.log().slice(before);
    expect(log.filter((line) => line.startsWith('POST'))).toHaveLength(3);
    expect(registry.uploads.size).toBe(0);
  });

  it('leaves no upload open where it is found in place', async () => {
    const registry = memoryRegistry();
    await using fake = await serve(registry.handle);
    await using it = client();
    await it.upload(source(one), one.manifest, { registry: fake.host, repository: 'a' }, { signal });
    for (const [digest, content] of one.blobs) {
      registry.blobs.delete(`a ${digest}`);
      registry.blobs.set(`b ${digest}`, content);
    }
    const sent = await it.upload(source(one), one.manifest, { registry: fake.host, repository: 'b' }, { signal });
    expect(sent.bytes).toEqual({ uploaded: 0, mounted: 0, skipped: sizeOf(one) });
    expect(fake.log().filter((line) => line.startsWith('DELETE /v2/b/blobs/uploads/'))).toHaveLength(3);
  });
});

describe('a memory of earlier processes', () => {
  function memory(): BlobMemory & { readonly known: Map<string, string> } {
    const known = new Map<string, string>();
    return {
      known,
      recall: async (host, digest) => known.get(`${host} ${digest}`) ?? null,
      keep: async (host, digest, repository) => void known.set(`${host} ${digest}`, repository),
    };
  }

  it('mounts what they put elsewhere in the registry, and looks for what they put here', async () => {
    await using fake = await serve(memoryRegistry().handle);
    const shelf = memory();
    const upload = async (repository: string) => {
      await using it = client({ memory: shelf });
      return (await it.upload(source(one), one.manifest, { registry: fake.host, repository }, { signal })).bytes;
    };
    expect(await upload('a')).toEqual({ uploaded: sizeOf(one), mounted: 0, skipped: 0 });
    expect(new Set(shelf.known.values())).toEqual(new Set(['a']));
    expect(await upload('b')).toEqual({ uploaded: 0, mounted: sizeOf(one), skipped: 0 });
    expect(await upload('b')).toEqual({ uploaded: 0, mounted: 0, skipped: sizeOf(one) });
  });

  it('that is wrong, or names what may not be read, costs no more than a request', async () => {
    const registry = memoryRegistry(({ method, query }) =>
      method === 'POST' && query.get('from') === 'closed' ? errorReply(403, 'DENIED', 'not yours') : undefined,
    );
    await using fake = await serve(registry.handle);
    const wrong = (repository: string): BlobMemory => ({ recall: async () => repository, keep: async () => undefined });
    for (const from of ['closed', 'empty']) {
      await using it = client({ memory: wrong(from) });
      const to = { registry: fake.host, repository: `for-${from}` };
      expect((await it.upload(source(one), one.manifest, to, { signal })).bytes.uploaded).toBe(sizeOf(one));
      await using left = await serve(memoryRegistry().handle);
      await it.upload(source(two), two.manifest, { registry: left.host, repository: 'a' }, { signal });
      const copied = { registry: left.host, repository: 'a', manifest: two.manifest };
      const target = { registry: fake.host, repository: `copy-for-${from}`, tag: 'x' };
      const { bytes } = await it.copy(copied, target, { signal });
      expect(bytes.uploaded + bytes.mounted).toBe(sizeOf(two));
    }
  });
});

describe('a blob sent ahead', () => {
  it('counts as sent in the upload that it belongs to, once', async () => {
    await using fake = await serve(memoryRegistry().handle);
    await using it = client();
    const at = { registry: fake.host, repository: 'a' };
    const progress: number[][] = [];
    const blob = { digest: shared, size: 'shared'.length };
    const onBytes = (...bytes: number[]): void => void progress.push(bytes);
    const ahead = await it.sendBlob(source(one), blob, at, { signal, onBytes });
    expect(ahead).toEqual({ uploaded: blob.size, mounted: 0, skipped: 0 });
    expect(progress.at(-1)).toEqual([blob.size, blob.size]);
    const sent = await it.upload(source(one), one.manifest, at, { signal });
    expect(sent.bytes).toEqual({ uploaded: sizeOf(one), mounted: 0, skipped: 0 });
    expect(blobPuts(fake.requests).filter((digest) => digest === shared)).toHaveLength(1);
    const again = await it.upload(source(one), one.manifest, at, { signal });
    expect(again.bytes).toEqual({ uploaded: 0, mounted: 0, skipped: sizeOf(one) });
  });

  it('that is not what it is called is refused', async () => {
    const registry = memoryRegistry();
    await using fake = await serve(registry.handle);
    await using it = client();
    const at = { registry: fake.host, repository: 'a' };
    const send = async (digest: string, size: number, repository = 'a') =>
      failureOf(it.sendBlob(source(one), { digest: digest as Digest, size }, { ...at, repository }, { signal }));
    expect(await send(shared, 5)).toMatch(/^BLOB_MISMATCH: /);
    expect(await send(digestOfBytes('absent'), 5)).toMatch(/^BLOB_MISSING: /);
    expect(await send('latest', 5)).toMatch(/^REFERENCE_INVALID: /);
    expect(await send(shared, 6, '../x')).toMatch(/^REFERENCE_INVALID: /);
    expect(registry.blobs.size).toBe(0);
  });
});

describe('a registry that is busy', () => {
  it('is left alone by all requests for as long as it asks, and others are not', async () => {
    let isBusy = true;
    const answer: Handler = ({ path }) => {
      if (isBusy && path.endsWith('first')) {
        isBusy = false;
        return errorReply(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '7' });
      }
      return { status: 404 };
    };
    await using busy = await serve(answer);
    await using other = await serve(answer);
    const paused = Promise.withResolvers<number>();
    const over = Promise.withResolvers<void>();
    await using it = client({
      pause: async (ms) => {
        paused.resolve(ms);
        await over.promise;
      },
    });
    const head = async (host: string, reference: string) =>
      it.head({ registry: host, repository: 'a', reference }, { signal });
    const first = head(busy.host, 'first');
    expect(await paused.promise).toBe(7_000);
    const second = head(busy.host, 'second');
    // By the time that this is answered, the second one would have been as well.
    for (let i = 0; i < 3; i++) expect(await head(other.host, 'x')).toEqual({ seen: 'no' });
    expect(busy.log()).toEqual(['HEAD /v2/a/manifests/first']);
    over.resolve();
    expect(await Promise.all([first, second])).toEqual([{ seen: 'no' }, { seen: 'no' }]);
    expect(busy.requests).toHaveLength(3);
  });

  it('holds up an upload for as long as it asks, and gets each blob whole', async () => {
    let refusals = 2;
    const registry = memoryRegistry(({ method, query }) =>
      method === 'PUT' && query.has('digest') && refusals-- > 0
        ? errorReply(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '3' })
        : undefined,
    );
    await using fake = await serve(registry.handle);
    const pauses: number[] = [];
    await using it = client({ pauses });
    const sent = await it.upload(source(one), one.manifest, { registry: fake.host, repository: 'a' }, { signal });
    expect(sent.bytes.uploaded).toBe(sizeOf(one));
    expect(pauses.filter((ms) => ms === 3_000)).toHaveLength(2);
  });

  it('keeps nobody waiting who has been cancelled', async () => {
    await using fake = await serve(() => errorReply(429, 'TOOMANYREQUESTS', 'no', { 'retry-after': '9' }));
    const controller = new AbortController();
    await using it = client({
      pause: async (_, closing) => {
        controller.abort(new Error('enough'));
        await new Promise((resolve) => closing.addEventListener('abort', resolve));
      },
    });
    const at = { registry: fake.host, repository: 'a', reference: 'x' };
    await expect(it.head(at, { signal: controller.signal })).rejects.toThrow('enough');
  });

  it('gets no more requests at once than its access says', async () => {
    let running = 0;
    let most = 0;
    let pair = Promise.withResolvers<void>();
    await using fake = await serve(async () => {
      most = Math.max(most, ++running);
      const mine = pair;
      if (running === 2) {
        pair = Promise.withResolvers();
        // Time for a third one to come.
        for (let i = 0; i < 20; i++) await new Promise(setImmediate);
        mine.resolve();
      }
      await mine.promise;
      running--;
      return { status: 404 };
    });
    await using it = client({ access: (host) => ({ host, atOnce: 2 }) });
    const looks = Array.from({ length: 20 }, async (_, i) =>
      it.head({ registry: fake.host, repository: 'a', reference: `t${i}` }, { signal }),
    );
    await Promise.all(looks);
    expect(most).toBe(2);
  });
});

describe('a manifest', () => {
  const refusing = (times: number) => {
    let left = times;
    return memoryRegistry(({ method, path }) =>
      method === 'PUT' && path.includes('/manifests/') && left-- > 0
        ? errorReply(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content')
        : undefined,
    );
  };

  it('is put again where the registry mixes it up with the same one of somebody else', async () => {
    await using fake = await serve(refusing(1).handle);
    await using it = client();
    const sent = await it.upload(source(one), one.manifest, { registry: fake.host, repository: 'a' }, { signal });
    expect(sent.digest).toBe(one.manifest);
  });

  it('is not put a third time', async () => {
    await using fake = await serve(refusing(9).handle);
    await using it = client();
    const upload = it.upload(source(one), one.manifest, { registry: fake.host, repository: 'a' }, { signal });
    expect(await failureOf(upload)).toMatch(/^REGISTRY_REFUSED: .*DIGEST_INVALID/);
    expect(fake.log().filter((line) => line.startsWith('PUT /v2/a/manifests/'))).toHaveLength(2);
  });
});

describe('a token', () => {
  it('that expires in the middle of a blob is renewed, and the blob goes on where it was', async () => {
    let tokens = 0;
    let valid = '';
    let patches = 0;
    const long = tinyImage('amd64', ['a layer that goes up in four pieces or so']);
    const registry = memoryRegistry(({ method, path, headers, query }) => {
      if (path === '/token') {
        valid = `t${++tokens}`;
        expect(query.getAll('scope')).toEqual(['repository:a:pull,push']);
        return { status: 200, body: JSON.stringify({ token: valid, expires_in: 300 }) };
      }
      if (headers.authorization !== `Bearer ${valid}`) {
        const challenge = `Bearer realm="http://${headers.host ?? ''}/token",service="s"`;
        return errorReply(401, 'UNAUTHORIZED', 'who', { 'www-authenticate': challenge });
      }
      // After the second piece, the registry takes the token no more.
      if (method === 'PATCH' && ++patches === 2) valid = 'none';
      return undefined;
    });
    await using fake = await serve(registry.handle);
    await using it = client();
    const sent = await it.upload(
      source(long),
      long.manifest,
      { registry: fake.host, repository: 'a' },
      { signal, chunkBytes: 12 },
    );
    expect(sent.bytes.uploaded).toBe(sizeOf(long));
    const digest = digestOfBytes('a layer that goes up in four pieces or so');
    expect(registry.blobs.get(`a ${digest}`)).toBe('a layer that goes up in four pieces or so');
    expect(tokens).toBeGreaterThan(1);
    // What was refused went out twice; what had been taken before did not.
    const begun = fake.requests.filter(
      ({ method, headers }) => method === 'PATCH' && headers['content-range'] === '0-11',
    );
    expect(new Set(begun.map(({ path }) => path)).size).toBe(begun.length);
  });
});
