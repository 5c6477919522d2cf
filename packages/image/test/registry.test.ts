// The registry client against a registry that misbehaves on demand: what is yes, no and unknown, and what is tried again.
import { describe, expect, it } from 'vitest';
import { BuildFailure, digestOfBytes, type Seen } from '../src/index.ts';
import {
  client,
  errorReply,
  INDEX_TYPE,
  manifestReply,
  serve,
  tinyImage,
  tinyIndex,
  type Handler,
  type Reply,
} from './fake-registry.ts';

const image = tinyImage();
const signal = new AbortController().signal;
const options = { signal };

/** What a look at `app:1` gives, and how often it was asked. */
async function look(handle: Handler): Promise<{ seen: Seen<unknown>; requests: number; pauses: number[] }> {
  await using fake = await serve(handle);
  const pauses: number[] = [];
  await using registry = client({ pauses });
  const seen = await registry.resolve(
    { registry: fake.host, repository: 'app', reference: '1' },
    { signal, platform: 'linux/amd64' },
  );
  return { seen, requests: fake.requests.length, pauses };
}

const why = (code: string, retry: string, words: RegExp): unknown => ({
  seen: 'unknown',
  why: { code, retry, words: expect.stringMatching(words) as unknown },
});

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BuildFailure) return `${error.error.code}: ${error.error.words}`;
    throw error;
  }
  return 'fine';
}

describe('a look at a registry', () => {
  it('finds an image, its identity and its manifest', async () => {
    const { seen } = await look(() => manifestReply(image.manifestBytes));
    expect(seen).toMatchObject({ seen: 'yes', value: { identity: image.identity, manifest: image.manifest } });
  });

  it('is no for 404 only', async () => {
    const { seen } = await look(() => errorReply(404, 'MANIFEST_UNKNOWN', 'manifest unknown'));
    expect(seen).toEqual({ seen: 'no' });
  });

  it.each<[string, Reply, unknown]>([
    [
      '403',
      errorReply(403, 'DENIED', 'not \u001b[31myours'),
      why('REGISTRY_DENIED', 'never', /HTTP 403: DENIED: not  \[31myours$/),
    ],
    [
      '401 without a challenge',
      errorReply(401, 'UNAUTHORIZED', 'log in'),
      why('REGISTRY_DENIED', 'never', /UNAUTHORIZED: log in/),
    ],
    ['400', { status: 400, body: 'what?' }, why('REGISTRY_REFUSED', 'never', /HTTP 400: what\?$/)],
    ['a page', { status: 400, body: '<html>' }, why('REGISTRY_REFUSED', 'never', /HTTP 400$/)],
    ['nonsense', { status: 200, body: '{}' }, why('REGISTRY_CORRUPT', 'never', /schemaVersion/)],
    [
      'another content than it says',
      { ...manifestReply(image.manifestBytes), headers: { 'docker-content-digest': digestOfBytes('x') } },
      why('REGISTRY_CORRUPT', 'never', /not that of/),
    ],
    ['too much', { status: 200, body: Buffer.alloc((4 << 20) + 1) }, why('REGISTRY_CORRUPT', 'never', /more than/)],
  ])('is unknown, at once, for %s', async (_, reply, expected) => {
    const { seen, requests } = await look(() => reply);
    expect(seen).toEqual(expected);
    expect(requests).toBe(1);
  });

  it.each<[string, Reply | 'hang up', unknown, number[]]>([
    [
      'busy',
      errorReply(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '2' }),
      why('REGISTRY_BUSY', 'backoff', /slow down/),
      // The last one is for others.
      [2000, 2000, 3200, 2000],
    ],
    [
      'broken',
      { status: 503, body: 'down' },
      why('REGISTRY_UNREACHABLE', 'backoff', /HTTP 503: down/),
      [200, 800, 3200],
    ],
    ['gone', 'hang up', why('REGISTRY_UNREACHABLE', 'backoff', /socket hang up/), [200, 800, 3200]],
  ])('is unknown for a registry that stays %s after several tries', async (_, reply, expected, waited) => {
    const { seen, requests, pauses } = await look(() => reply as Reply);
    expect(seen).toEqual(expected);
    expect(requests).toBe(4);
    expect(pauses).toEqual(waited);
  });

  it('goes on when a try helps', async () => {
    const replies: (Reply | 'hang up')[] = [{ status: 502 }, 'hang up', manifestReply(image.manifestBytes)];
    const { seen } = await look(() => replies.shift() as Reply);
    expect(seen).toMatchObject({ seen: 'yes' });
  });

  it('does not wait as long as some registries ask for', async () => {
    const { pauses, requests } = await look(() =>
      errorReply(429, 'X', 'x', { 'retry-after': 'Fri, 31 Dec 2199 23:59:59 GMT' }),
    );
    expect([pauses, requests]).toEqual([[], 1]);
  });

  it('is unknown where nobody answers, at once', async () => {
    const fake = await serve(() => ({ status: 200 }));
    await fake[Symbol.asyncDispose]();
    const pauses: number[] = [];
    await using registry = client({ pauses });
    const seen = await registry.head({ registry: fake.host, repository: 'app', reference: '1' }, options);
    expect(seen).toEqual(why('REGISTRY_UNREACHABLE', 'backoff', /ECONNREFUSED/));
    expect(pauses).toEqual([]);
    const noHost = await registry.head(
      { registry: 'no-such-host.invalid', repository: 'app', reference: '1' },
      options,
    );
    expect(noHost).toMatchObject({ seen: 'unknown', why: { code: 'REGISTRY_UNREACHABLE' } });
  });

  it('says so when TLS is not what the other side speaks', async () => {
    await using fake = await serve(() => ({ status: 200 }));
    await using registry = client({ access: (host) => ({ host, ca: '/etc/hostname' }) });
    const seen = await registry.head({ registry: fake.host, repository: 'app', reference: '1' }, options);
    expect(seen).toMatchObject({ seen: 'unknown', why: { code: 'REGISTRY_TLS', retry: 'never' } });
  });

  it.each([
    [{ registry: 'x/../y', repository: 'app', reference: '1' }, /registry host/],
    [{ registry: '127.0.0.1:1', repository: '../app', reference: '1' }, /repository name/],
    [{ registry: '127.0.0.1:1', repository: 'app', reference: '1/../../x' }, /not a tag/],
  ])('never puts a name that is none into an address: %j', async (at, words) => {
    await using registry = client();
    expect(await registry.resolve(at, options)).toEqual(why('REFERENCE_INVALID', 'never', words));
    expect(await registry.head(at, options)).toEqual(why('REFERENCE_INVALID', 'never', words));
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    await using fake = await serve(async () => {
      controller.abort(new Error('enough'));
      return new Promise<Reply>(() => undefined);
    });
    await using registry = client();
    const at = { registry: fake.host, repository: 'app', reference: '1' };
    await expect(registry.resolve(at, { signal: controller.signal })).rejects.toThrow('enough');
    await expect(registry.head(at, { signal: controller.signal })).rejects.toThrow('enough');
  });

  it('ends while waiting for another try', async () => {
    const controller = new AbortController();
    await using fake = await serve(() => ({ status: 503 }));
    const pause = async (): Promise<void> => {
      controller.abort(new Error('enough'));
      return new Promise(() => undefined);
    };
    await using registry = client({ pause });
    const at = { registry: fake.host, repository: 'app', reference: '1' };
    await expect(registry.head(at, { signal: controller.signal })).rejects.toThrow('enough');
  });
});

describe('an index', () => {
  const arm = tinyImage('arm64');
  const index = tinyIndex({ amd64: image, arm64: arm });
  const handle: Handler = ({ path }) => {
    if (path.endsWith('/1') || path.endsWith(index.digest)) return manifestReply(index.bytes, INDEX_TYPE);
    return path.endsWith(arm.manifest)
      ? manifestReply(arm.manifestBytes)
      : errorReply(404, 'MANIFEST_UNKNOWN', 'unknown');
  };

  it('is followed to the platform', async () => {
    await using fake = await serve(handle);
    await using registry = client();
    const at = { registry: fake.host, repository: 'app', reference: '1' };
    expect(await registry.resolve(at, { signal, platform: 'linux/arm64' })).toMatchObject({
      value: { identity: arm.identity, manifest: arm.manifest },
    });
    expect(await registry.head(at, options)).toEqual({ seen: 'yes', value: { manifest: index.digest } });
    expect(await registry.resolve(at, options)).toEqual(why('PLATFORM_MISSING', 'never', /no platform was asked for/));
    expect(await registry.resolve(at, { signal, platform: 'linux/amd64' })).toEqual(
      why('PLATFORM_MISSING', 'never', /is not there/),
    );
  });

  it('without the platform says what it has', async () => {
    const only = tinyIndex({ arm64: arm });
    const { seen } = await look(() => manifestReply(only.bytes, INDEX_TYPE));
    expect(seen).toEqual(why('PLATFORM_MISSING', 'never', /has no image for linux\/amd64, only for linux\/arm64$/));
  });
});

describe('head', () => {
  it('reads the content where the registry does not say its digest', async () => {
    await using fake = await serve(() => ({
      status: 200,
      headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
      body: image.manifestBytes,
    }));
    await using registry = client();
    const seen = await registry.head({ registry: fake.host, repository: 'app', reference: '1' }, options);
    expect(seen).toEqual({ seen: 'yes', value: { manifest: image.manifest } });
  });

  it('does not believe another digest than it asked for', async () => {
    await using fake = await serve(() => manifestReply(image.manifestBytes));
    await using registry = client();
    const seen = await registry.head(
      { registry: fake.host, repository: 'app', reference: digestOfBytes('x') },
      options,
    );
    expect(seen).toEqual(why('REGISTRY_CORRUPT', 'never', /was asked for/));
  });
});

describe('changes', () => {
  it('to a tag are made of the very same bytes, and checked', async () => {
    let said: string = image.manifest;
    await using fake = await serve(({ method }) =>
      method === 'PUT'
        ? { status: 201, headers: { 'docker-content-digest': said } }
        : manifestReply(image.manifestBytes),
    );
    await using registry = client();
    const at = { registry: fake.host, repository: 'app', manifest: image.manifest };
    await registry.tag(at, 'next', options);
    await registry.tag(at, 'more', options);
    expect(fake.log()).toEqual([
      `GET /v2/app/manifests/${image.manifest}`,
      'PUT /v2/app/manifests/next',
      'PUT /v2/app/manifests/more',
    ]);
    expect(fake.requests[1]?.body).toBe(image.manifestBytes);
    said = digestOfBytes('other');
    expect(await failure(registry.tag(at, 'next', options))).toMatch(/^REGISTRY_CORRUPT: .*is stored as/);
    expect(await failure(registry.tag(at, 'a b', options))).toMatch(/^REFERENCE_INVALID/);
  });

  it('to a tag fail where the image is not, and keep what the registry says', async () => {
    await using fake = await serve(({ method }) =>
      method === 'PUT'
        ? errorReply(400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry')
        : errorReply(404, 'X', 'x'),
    );
    await using registry = client();
    const at = { registry: fake.host, repository: 'app', manifest: image.manifest };
    expect(await failure(registry.tag(at, 'next', options))).toMatch(/^REGISTRY_NOT_FOUND/);
  });

  it.each<[number, string]>([
    [202, 'fine'],
    [404, 'fine'],
    [405, 'REGISTRY_REFUSED'],
    [403, 'REGISTRY_DENIED'],
  ])('by removing answer %i with %s', async (status, expected) => {
    await using fake = await serve(() => errorReply(status, 'UNSUPPORTED', 'The operation is unsupported.'));
    await using registry = client();
    const removed = await failure(
      registry.remove({ registry: fake.host, repository: 'app', manifest: image.manifest }, options),
    );
    expect(removed).toMatch(new RegExp(`^${expected}`));
    expect(fake.log()).toEqual([`DELETE /v2/app/manifests/${image.manifest}`]);
  });
});

describe('redirects', () => {
  it('are followed, and the login stays with the registry', async () => {
    await using other = await serve(() => ({ status: 200, body: [...image.blobs.values()][0]! }));
    await using fake = await serve(({ headers }) =>
      headers.authorization === undefined
        ? errorReply(401, 'UNAUTHORIZED', 'x', { 'www-authenticate': 'Basic realm="x"' })
        : { status: 307, headers: { location: `http://${other.host}/storage` } },
    );
    await using registry = client({ credentials: async () => ({ username: 'me', password: 'x' }) });
    const seen = await registry.config({ registry: fake.host, repository: 'app', identity: image.identity }, options);
    expect(seen).toMatchObject({ seen: 'yes', value: { diffIds: image.diffIds, architecture: 'amd64', env: ['A=b'] } });
    expect(fake.requests[1]?.headers.authorization).toBe('Basic bWU6eA==');
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each(['file:///etc/passwd', 'javascript:1', '/v2/app/manifests/1'])('to %s end', async (location) => {
    const { seen } = await look(() => ({ status: 302, headers: { location } }));
    expect(seen).toEqual(why('REGISTRY_REFUSED', 'never', /redirects/));
  });
});
