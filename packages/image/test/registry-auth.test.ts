// Logging in: challenges, tokens, who gets which secret, and how often anybody is asked.
import { describe, expect, it } from 'vitest';
import type { Credentials } from '../src/index.ts';
import { parseChallenge } from '../src/registry/challenge.ts';
import { client, errorReply, manifestReply, serve, tinyImage, type Handler, type Reply } from './fake-registry.ts';

const image = tinyImage();
const options = { signal: new AbortController().signal };
const LOGIN: Credentials = { username: 'me', password: 'secret' };
const BASIC = `Basic ${Buffer.from('me:secret').toString('base64')}`;

describe('a challenge', () => {
  it.each([
    ['Basic realm="x"', { scheme: 'basic' }],
    ['bAsIc', { scheme: 'basic' }],
    [
      'Bearer realm="https://a.example/t",service="s, t",scope="repository:a:pull,push"',
      { scheme: 'bearer', realm: 'https://a.example/t', service: 's, t', scope: 'repository:a:pull,push' },
    ],
    [
      'Basic realm="x", Bearer realm=https://a.example/t , service = "q\\"q"',
      { scheme: 'bearer', realm: 'https://a.example/t', service: 'q"q' },
    ],
    ['Negotiate, Basic realm="x"', { scheme: 'basic' }],
    ['Negotiate abc==, Digest qop="auth"', null],
    ['Bearer service="no realm"', null],
    ['Bearer realm="open', null],
    ['', null],
    [undefined, null],
    [`Basic ${'x'.repeat(10_000)}`, null],
  ])('%s', (header, expected) => expect(parseChallenge(header)).toEqual(expected));
});

/** A registry that wants tokens, and the server that gives them, on one port. */
function tokenRegistry(
  token: (request: Parameters<Handler>[0]) => Reply,
  accepts: (token: string) => boolean = (value) => value.startsWith('good'),
): Handler {
  return (request) => {
    if (request.path === '/token') return token(request);
    const given = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (accepts(given)) return manifestReply(image.manifestBytes);
    const realm = `http://${request.headers.host ?? ''}/token?account=x`;
    const scope = `repository:${request.path.split('/')[2] ?? ''}:pull`;
    return errorReply(401, 'UNAUTHORIZED', 'authentication required', {
      'www-authenticate': `Bearer realm="${realm}",service="reg",scope="${scope}"`,
    });
  };
}

const good = (extra: object = {}): Reply => ({ status: 200, body: JSON.stringify({ token: 'good', ...extra }) });

describe('a login', () => {
  it('by user and password is asked for once and then sent unasked', async () => {
    await using fake = await serve(({ headers }) =>
      headers.authorization === BASIC
        ? manifestReply(image.manifestBytes)
        : errorReply(401, 'UNAUTHORIZED', 'x', { 'www-authenticate': 'Basic realm="x"' }),
    );
    let asked = 0;
    await using registry = client({ credentials: async () => (asked++, LOGIN) });
    const at = { registry: fake.host, repository: 'app', reference: '1' };
    for (let i = 0; i < 3; i++) expect(await registry.head(at, options)).toMatchObject({ seen: 'yes' });
    expect(fake.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, BASIC, BASIC, BASIC]);
    expect(asked).toBeGreaterThan(0);
  });

  it.each<[string, Credentials | null]>([
    ['none', null],
    ['the wrong one', LOGIN],
  ])('that is %s is denied after one try', async (_, login) => {
    await using fake = await serve(() =>
      errorReply(401, 'UNAUTHORIZED', 'bad password', { 'www-authenticate': 'Basic realm="x"' }),
    );
    await using registry = client({ credentials: async () => login });
    const at = { registry: fake.host, repository: 'app', reference: '1' };
    const denied = {
      seen: 'unknown',
      why: { code: 'REGISTRY_DENIED', words: expect.stringMatching(/bad password/) as unknown },
    };
    expect(await registry.resolve(at, options)).toMatchObject(denied);
    expect(fake.requests).toHaveLength(login === null ? 1 : 2);
    await registry.resolve(at, options);
    expect(fake.requests).toHaveLength(login === null ? 2 : 3);
  });
});

describe('a token', () => {
  it('is asked for with the login, the service and the scope, and kept for each scope', async () => {
    await using fake = await serve(tokenRegistry(() => good()));
    await using registry = client({ credentials: async () => LOGIN });
    for (const repository of ['app', 'app', 'other'])
      await registry.head({ registry: fake.host, repository, reference: '1' }, options);
    expect(fake.log()).toEqual([
      'HEAD /v2/app/manifests/1',
      'GET /token',
      'HEAD /v2/app/manifests/1',
      'HEAD /v2/app/manifests/1',
      'GET /token',
      'HEAD /v2/other/manifests/1',
    ]);
    const asked = fake.requests.filter(({ path }) => path === '/token');
    expect(asked.map(({ query }) => query.toString())).toEqual([
      'account=x&service=reg&scope=repository%3Aapp%3Apull',
      'account=x&service=reg&scope=repository%3Aother%3Apull',
    ]);
    expect(asked[0]?.headers.authorization).toBe(BASIC);
  });

  it('is asked for once by any number of requests at once', async () => {
    await using fake = await serve(tokenRegistry(() => good()));
    await using registry = client({ concurrencyPerHost: 4 });
    const at = { registry: fake.host, repository: 'app', reference: '1' };
    await Promise.all(Array.from({ length: 50 }, async () => registry.head(at, options)));
    expect(fake.log().filter((line) => line === 'GET /token')).toHaveLength(1);
    expect(
      fake.requests.filter(({ headers, path }) => path !== '/token' && headers.authorization === undefined).length,
    ).toBeLessThanOrEqual(4);
  });

  it('is renewed when it expires, and when the registry no longer takes it', async () => {
    let now = 1_000_000;
    let valid = 'good1';
    let given = 0;
    await using fake = await serve(
      tokenRegistry(
        () => ({ status: 200, body: JSON.stringify({ access_token: `good${++given}`, expires_in: 300 }) }),
        (token) => token === valid,
      ),
    );
    await using registry = client({ now: () => now });
    const at = { registry: fake.host, repository: 'app', reference: '1' };
    await registry.head(at, options);
    now += 289_000;
    await registry.head(at, options);
    expect(given).toBe(1);
    valid = 'good2';
    now += 2_000;
    expect(await registry.head(at, options)).toMatchObject({ seen: 'yes' });
    expect(given).toBe(2);
    valid = 'good3';
    expect(await registry.head(at, options)).toMatchObject({ seen: 'yes' });
    expect(given).toBe(3);
    valid = 'none';
    expect(await registry.head(at, options)).toMatchObject({ seen: 'unknown', why: { code: 'REGISTRY_DENIED' } });
    expect(given).toBe(4);
  });

  it('for an identity token is asked for by the OAuth flow, each time with the newest one', async () => {
    let next = 0;
    await using fake = await serve(tokenRegistry(() => good({ refresh_token: `refresh${++next}` })));
    await using registry = client({ credentials: async () => ({ identityToken: 'refresh0' }) });
    for (const repository of ['app', 'other'])
      await registry.head({ registry: fake.host, repository, reference: '1' }, options);
    const asked = fake.requests.filter(({ path }) => path === '/token');
    expect(
      asked.map(({ method, headers, body }) => [
        method,
        headers.authorization,
        Object.fromEntries(new URLSearchParams(body)),
      ]),
    ).toEqual(
      ['app', 'other'].map((repository, i) => [
        'POST',
        undefined,
        {
          grant_type: 'refresh_token',
          client_id: 'rebake',
          service: 'reg',
          scope: `repository:${repository}:pull`,
          refresh_token: `refresh${i}`,
        },
      ]),
    );
  });

  it.each<[string, Reply, string, RegExp]>([
    [
      'denies',
      errorReply(401, 'UNAUTHORIZED', 'incorrect username'),
      'REGISTRY_DENIED',
      /token server .*incorrect username/,
    ],
    [
      'says why by OAuth',
      { status: 400, body: JSON.stringify({ error: 'invalid_grant', error_description: 'expired' }) },
      'REGISTRY_REFUSED',
      /invalid_grant: expired/,
    ],
    ['gives none', { status: 200, body: '{}' }, 'REGISTRY_UNREACHABLE', /without a token/],
    ['gives nonsense', { status: 200, body: 'token' }, 'REGISTRY_UNREACHABLE', /without a token/],
    [
      'gives one that is a header of its own',
      { status: 200, body: JSON.stringify({ token: 'x\r\nHost: y' }) },
      'REGISTRY_UNREACHABLE',
      /without a token/,
    ],
    ['redirects', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'REGISTRY_REFUSED', /HTTP 302/],
  ])('server that %s makes it unknown', async (_, reply, code, words) => {
    await using fake = await serve(tokenRegistry(() => reply));
    await using registry = client({ credentials: async () => LOGIN });
    const seen = await registry.head({ registry: fake.host, repository: 'app', reference: '1' }, options);
    expect(seen).toMatchObject({ seen: 'unknown', why: { code, words: expect.stringMatching(words) as unknown } });
    expect(JSON.stringify(seen)).not.toContain('secret');
  });

  it.each(['ftp://x.example/token', 'file:///etc/passwd', 'no address', 'http://user:pass@127.0.0.1/'])(
    'is never asked for at %s',
    async (realm) => {
      await using fake = await serve(() =>
        errorReply(401, 'UNAUTHORIZED', 'x', { 'www-authenticate': `Bearer realm="${realm}"` }),
      );
      await using registry = client({ credentials: async () => LOGIN });
      const seen = await registry.head({ registry: fake.host, repository: 'app', reference: '1' }, options);
      expect(seen).toMatchObject({
        seen: 'unknown',
        why: {
          code: 'REGISTRY_DENIED',
          words: expect.stringMatching(/no address that credentials may be sent to/) as unknown,
        },
      });
    },
  );
});
