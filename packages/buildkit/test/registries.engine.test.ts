/** Registries that ask who is there: the daemon pushes to them and pulls from them with nothing but our session. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Credentials } from '@rebake/image';
import type { EnginesState } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { expect, it } from 'vitest';
import { createTokenFetcher } from '../src/index.ts';
import type { Offer, TokenRequest } from '../src/index.ts';
import { build, daemonAt, manifestOf, never, RUN, textFile } from './kit.ts';

/** What a session offers with these logins; `asked` gets the tokens that were fetched. */
function loginsOf(logins: Readonly<Record<string, Credentials>>, asked: TokenRequest[] = []): Partial<Offer> {
  const fetchToken = createTokenFetcher({
    credentials: async (host) => logins[host] ?? null,
    registry: (host) => ({ host }),
    signal: never,
  });
  return {
    credentials: async (host) => {
      const login = logins[host];
      return login && 'username' in login ? { username: login.username, secret: login.password } : null;
    },
    fetchToken: (request) => {
      asked.push(request);
      return fetchToken(request);
    },
  };
}

function loginOf({ registries }: EnginesState, name: 'auth' | 'tls' | 'token') {
  const { address, username, password } = registries[name];
  return { address, logins: { [address]: { username, password } } };
}

for (const name of ['auth', 'tls', 'token'] as const) {
  describeEngine(`registry ${name}`, ['buildkit', name], (state) => {
    const { daemon } = daemonAt(state.buildkit.address);
    const { address, logins } = loginOf(state, name);
    const image = `${address}/buildkit-client/${RUN}`;
    const files = [textFile('hello.txt', `hello ${RUN}`)];
    const dockerfile = 'FROM scratch\nCOPY hello.txt /\n';
    const push = (tag: string) => ({
      exporters: [{ type: 'image', attributes: { name: `${image}:${tag}`, push: 'true' } }],
    });

    it('takes what the daemon pushes, and gives it back', async () => {
      const asked: TokenRequest[] = [];
      const offer = loginsOf(logins, asked);
      const { answer } = await build(daemon, { dockerfile, files, outputs: push('pushed'), offer });
      const from = `FROM ${image}@${manifestOf(answer)}\nCOPY hello.txt /again.txt\n`;
      const { answer: again } = await build(daemon, { dockerfile: from, files, outputs: push('again'), offer });
      expect(manifestOf(again)).toMatch(/^sha256:/);
      expect(asked.length > 0).toBe(name === 'token');
      for (const { host, scopes } of asked) {
        expect(host).toBe(address);
        expect(scopes.join()).toContain(`repository:buildkit-client/${RUN}:pull`);
      }
    });

    it('refuses who has no login, and says so', async () => {
      const denied = build(daemon, { dockerfile, files, outputs: push('denied'), offer: loginsOf({}) });
      await expect(denied).rejects.toMatchObject({ error: { code: 'REGISTRY_DENIED', retry: 'never' } });
    });

    it('refuses a wrong password', async () => {
      const wrong = { [address]: { username: 'rebake', password: 'wrong' } };
      const denied = build(daemon, { dockerfile, files, outputs: push('denied'), offer: loginsOf(wrong) });
      await expect(denied).rejects.toMatchObject({ error: { code: 'REGISTRY_DENIED', retry: 'never' } });
    });
  });
}

describeEngine('the token registry', ['buildkit', 'token'], (state) => {
  const { daemon } = daemonAt(state.buildkit.address);
  const { address, logins } = loginOf(state, 'token');
  const image = `${address}/buildkit-client/anonymous-${RUN}`;
  const files = [textFile('hello.txt', `hello ${RUN}`)];
  const outputs = { exporters: [{ type: 'image', attributes: { name: `${image}:1`, push: 'true' } }] };
  const dockerfile = 'FROM scratch\nCOPY hello.txt /\n';

  it('is pulled from without a login where it allows it', async () => {
    const { answer } = await build(daemon, { dockerfile, files, outputs, offer: loginsOf(logins) });
    const from = `FROM ${image}@${manifestOf(answer)}\nCOPY hello.txt /anonymous.txt\n`;
    const asked: TokenRequest[] = [];
    await build(daemon, { dockerfile: from, files, offer: loginsOf({}, asked) });
    expect(asked.map(({ realm }) => realm)).toEqual([state.registries.token.realm]);
  });

  it('gives a token to the daemon itself when the session hands out logins and fetches none', async () => {
    const { credentials } = loginsOf(logins);
    const { answer } = await build(daemon, { dockerfile, files, outputs, offer: { credentials: credentials! } });
    expect(manifestOf(answer)).toMatch(/^sha256:/);
  });
});

describeEngine('a token server behind TLS', 'buildkitTls', ({ buildkit: { tls } }) => {
  it('is believed for the authority that this machine trusts for the registry, and not without', async () => {
    const pem = { cert: readFileSync(tls.server.cert), key: readFileSync(tls.server.key) };
    const server = createServer(pem, (_request, response) => void response.end('{"token": "abc"}'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const realm = `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    const request = { clientId: '', host: 'registry.example.com', realm, service: '', scopes: [] };
    const fetchWith = (ca: { readonly ca?: string }) =>
      createTokenFetcher({ credentials: async () => null, registry: (host) => ({ host, ...ca }), signal: never })(
        request,
      );
    try {
      expect(await fetchWith({ ca: tls.ca })).toMatchObject({ token: 'abc' });
      await expect(fetchWith({})).rejects.toMatchObject({ error: { code: 'REGISTRY_TLS', retry: 'never' } });
    } finally {
      server.close();
    }
  });
});
