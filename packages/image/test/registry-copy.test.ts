// Copying between registries that do not play along: mounts that are refused, uploads that break, content that is not what it should be.
import { describe, expect, it } from 'vitest';
import { BuildFailure, type Digest } from '../src/index.ts';
import {
  client,
  errorReply,
  manifestReply,
  serve,
  tinyImage,
  type Handler,
  type Received,
  type Reply,
} from './fake-registry.ts';

const image = tinyImage('amd64', ['first layer', 'second layer']);
const signal = new AbortController().signal;
const total = [...image.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);

const source: Handler = ({ path }) => {
  const blob = image.blobs.get(path.split('/').at(-1) as Digest);
  if (blob !== undefined) return { status: 200, headers: { 'content-length': String(blob.length) }, body: blob };
  return path.endsWith(image.manifest) ? manifestReply(image.manifestBytes) : errorReply(404, 'UNKNOWN', 'unknown');
};

/** A registry that takes what it is sent; `first` may answer instead. */
function target(first: (request: Received) => Reply | 'hang up' | undefined = () => undefined): {
  handle: Handler;
  stored: Map<string, string>;
} {
  const stored = new Map<string, string>();
  const handle: Handler = (request) => {
    const { method, path, query, body } = request;
    const own = first(request);
    if (own !== undefined) return own as Reply;
    if (method === 'HEAD') return { status: stored.has(path.split('/').at(-1) ?? '') ? 200 : 404 };
    if (method === 'POST') return { status: 202, headers: { location: `${path}session?state=x%3D` } };
    stored.set(query.get('digest') ?? path.split('/').at(-1) ?? '', body);
    return { status: 201, headers: path.includes('/manifests/') ? { 'docker-content-digest': image.manifest } : {} };
  };
  return { handle, stored };
}

interface Outcome {
  readonly result: string;
  readonly log: readonly string[];
  readonly progress: readonly number[];
}

async function copy(
  from: Handler,
  to: Handler,
  options: { readonly same?: true; readonly signal?: AbortSignal } = {},
): Promise<Outcome> {
  await using left = await serve(from);
  await using right = await serve(to);
  await using registry = client();
  const progress: number[] = [];
  const host = options.same === true ? right.host : left.host;
  let result: string;
  try {
    ({ digest: result } = await registry.copy(
      { registry: host, repository: 'from', manifest: image.manifest },
      { registry: right.host, repository: 'to', tag: 'x' },
      { signal: options.signal ?? signal, onBytes: (done, of) => void (expect(of).toBe(total), progress.push(done)) },
    ));
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    result = `${error.error.code}: ${error.error.words}`;
  }
  return { result, log: right.log(), progress };
}

describe('a copy', () => {
  it('sends what is missing, then the manifest under its tag', async () => {
    const { handle, stored } = target();
    const { result, log, progress } = await copy(source, handle);
    expect(result).toBe(image.manifest);
    expect(Object.fromEntries(stored)).toEqual({ ...Object.fromEntries(image.blobs), x: image.manifestBytes });
    expect(log.at(-1)).toBe('PUT /v2/to/manifests/x');
    expect(progress.at(-1)).toBe(total);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it('sends nothing that is there', async () => {
    const { handle } = target(({ method }) => (method === 'HEAD' ? { status: 200 } : undefined));
    const { log, progress } = await copy(source, handle);
    expect(log.filter((line) => !line.startsWith('HEAD'))).toEqual(['PUT /v2/to/manifests/x']);
    expect(progress.at(-1)).toBe(total);
  });

  it('within a registry mounts, and sends where that is refused', async () => {
    const mounted: (string | null)[] = [];
    const refusing = [...image.blobs.keys()][1];
    const { handle, stored } = target((request) => {
      if (request.method === 'GET') return source(request) as Reply;
      if (request.method !== 'POST') return undefined;
      const blob = request.query.get('mount');
      mounted.push(blob, request.query.get('from'));
      return blob === refusing ? undefined : { status: 201 };
    });
    const { result, progress } = await copy(source, handle, { same: true });
    expect(result).toBe(image.manifest);
    expect(new Set(mounted)).toEqual(new Set([...image.blobs.keys(), 'from']));
    expect(new Set(stored.keys())).toEqual(new Set([refusing, 'x']));
    expect(progress.at(-1)).toBe(total);
  });

  it('begins an upload anew when it breaks', async () => {
    const broken = new Set<string>();
    const { handle, stored } = target(({ method, query, path }) => {
      const blob = query.get('digest');
      if (method !== 'PUT' || path.includes('/manifests/') || blob === null || broken.has(blob)) return undefined;
      broken.add(blob);
      return broken.size % 2 === 0 ? 'hang up' : { status: 500 };
    });
    const { result, progress, log } = await copy(source, handle);
    expect(result).toBe(image.manifest);
    expect(stored.size).toBe(4);
    expect(log.filter((line) => line.startsWith('POST'))).toHaveLength(6);
    expect(progress.at(-1)).toBe(total);
  });

  it('gives up after some tries', async () => {
    const { handle } = target(({ method, path }) =>
      method === 'PUT' && path.includes('session') ? { status: 500, body: 'disk' } : undefined,
    );
    expect((await copy(source, handle)).result).toMatch(/^REGISTRY_UNREACHABLE: .*HTTP 500: disk/);
  });

  it('does not pass on content that is not what it should be', async () => {
    const lying: Handler = (request) => {
      const reply = source(request) as Reply;
      const isBlob = request.path.includes('/blobs/');
      return isBlob ? { ...reply, body: String(reply.body).replace('layer', 'LAYER') } : reply;
    };
    const { handle, stored } = target();
    const { result } = await copy(lying, handle);
    expect(result).toMatch(/^REGISTRY_CORRUPT: .*not that of sha256/);
    expect(stored.has('x')).toBe(false);
  });

  it.each<[string, (request: Received) => Reply | undefined, RegExp]>([
    [
      'an upload without an address',
      ({ method }) => (method === 'POST' ? { status: 202 } : undefined),
      /REGISTRY_CORRUPT: .*no address/,
    ],
    [
      'an upload at an odd address',
      ({ method }) => (method === 'POST' ? { status: 202, headers: { location: 'ftp://x/' } } : undefined),
      /REGISTRY_CORRUPT: .*no address/,
    ],
    [
      'denied uploads',
      ({ method }) => (method === 'POST' ? errorReply(403, 'DENIED', 'no push') : undefined),
      /REGISTRY_DENIED: .*no push/,
    ],
    ['a blob that is refused', ({ method }) => (method === 'HEAD' ? { status: 400 } : undefined), /REGISTRY_REFUSED/],
    [
      'a manifest that is refused',
      ({ path }) => (path.includes('/manifests/') ? errorReply(400, 'MANIFEST_INVALID', 'bad') : undefined),
      /REGISTRY_REFUSED: .*MANIFEST_INVALID: bad/,
    ],
  ])('fails with %s', async (_, first, words) => {
    expect((await copy(source, target(first).handle)).result).toMatch(words);
  });

  it('fails where the image or a part of it is not', async () => {
    const { handle } = target();
    expect((await copy(() => ({ status: 404 }), handle)).result).toMatch(/^REGISTRY_NOT_FOUND: .* is not there/);
    const gone: Handler = (request) => (request.path.includes('/blobs/') ? { status: 404 } : source(request));
    expect((await copy(gone, handle)).result).toMatch(/^REGISTRY_NOT_FOUND: .*blob .* is not there/);
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const stopping = target(({ method }) => {
      if (method === 'POST') controller.abort(new Error('enough'));
      return undefined;
    });
    await expect(copy(source, stopping.handle, { signal: controller.signal })).rejects.toThrow('enough');
  });
});

describe('proxies', () => {
  it('are used for other machines, and never for this one', async () => {
    await using proxy = await serve(() => manifestReply(image.manifestBytes));
    await using direct = await serve(() => manifestReply(image.manifestBytes));
    const env = { HTTP_PROXY: `http://${proxy.host}`, http_proxy: `http://${proxy.host}` };
    await using registry = client({ env, access: (host) => ({ host, insecure: true }) });
    for (const host of ['registry.invalid', direct.host]) {
      expect(await registry.head({ registry: host, repository: 'app', reference: '1' }, { signal })).toMatchObject({
        seen: 'yes',
      });
    }
    expect(proxy.requests.map(({ headers, path }) => `${headers.host} ${path}`)).toEqual([
      'registry.invalid /v2/app/manifests/1',
    ]);
    expect(direct.requests).toHaveLength(1);
  });
});
