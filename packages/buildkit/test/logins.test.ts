/** Logins and tokens: what a daemon is given, and what goes to a token server for it. */
import { createPublicKey, verify } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { BuildFailure } from '@rebake/image';
import type { Credentials } from '@rebake/image';
import type { TestContext } from 'vitest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveLogins } from '../src/auth-service.ts';
import type { Logins } from '../src/auth-service.ts';
import {
  CredentialsRequestSchema,
  CredentialsResponseSchema,
  FetchTokenRequestSchema,
  FetchTokenResponseSchema,
  GetTokenAuthorityRequestSchema,
  GetTokenAuthorityResponseSchema,
  VerifyTokenAuthorityRequestSchema,
  VerifyTokenAuthorityResponseSchema,
} from '../src/generated/auth_pb.ts';
import { createTokenFetcher } from '../src/registry-tokens.ts';
import type { TokenRequest } from '../src/registry-tokens.ts';
import { GrpcCode } from '../src/status.ts';
import { never, pair } from './pair.ts';

const SERVICE = '/moby.filesync.v1.Auth';
const CREDENTIALS = {
  path: `${SERVICE}/Credentials`,
  request: CredentialsRequestSchema,
  answer: CredentialsResponseSchema,
} as const;
const FETCH = {
  path: `${SERVICE}/FetchToken`,
  request: FetchTokenRequestSchema,
  answer: FetchTokenResponseSchema,
} as const;
const AUTHORITY = {
  path: `${SERVICE}/GetTokenAuthority`,
  request: GetTokenAuthorityRequestSchema,
  answer: GetTokenAuthorityResponseSchema,
} as const;
const VERIFY = {
  path: `${SERVICE}/VerifyTokenAuthority`,
  request: VerifyTokenAuthorityRequestSchema,
  answer: VerifyTokenAuthorityResponseSchema,
} as const;

const REQUEST = {
  clientId: 'buildkit-client',
  host: 'registry.example.com',
  realm: 'https://auth.example.com/token',
  service: 'registry',
  scopes: ['repository:a/b:pull,push'],
};
const TOKEN = { token: 'abc', expiresIn: 300, issuedAt: 1_700_000_000 };

describe('a session', () => {
  const logins = (login: { username: string; secret: string } | null, more: Partial<Logins> = {}): Logins => ({
    credentials: async () => login,
    ...more,
  });
  const ask = (context: TestContext, offered: Logins) => pair(context, Object.fromEntries(serveLogins(offered)));
  const me = { username: 'me', secret: 'pass' };

  it('hands out a login, or none', async (context) => {
    const { channel } = await ask(context, logins(me));
    expect(await channel.unary(CREDENTIALS, { Host: 'x' }, never)).toMatchObject({ Username: 'me', Secret: 'pass' });
    const { channel: anonymous } = await ask(context, logins(null));
    expect(await anonymous.unary(CREDENTIALS, { Host: 'x' }, never)).toMatchObject({ Username: '', Secret: '' });
  });

  it('knows of no tokens where it fetches none', async (context) => {
    const { channel } = await ask(context, logins(me));
    for (const method of [AUTHORITY, VERIFY, FETCH])
      await expect(channel.unary(method as typeof FETCH, {}, never)).rejects.toMatchObject({
        code: GrpcCode.unimplemented,
      });
  });

  it('fetches tokens as the registry wants them', async (context) => {
    const asked: TokenRequest[] = [];
    const { channel } = await ask(context, logins(me, { fetchToken: async (request) => (asked.push(request), TOKEN) }));
    const { clientId: ClientID, host: Host, realm: Realm, service: Service, scopes: Scopes } = REQUEST;
    const answer = await channel.unary(FETCH, { ClientID, Host, Realm, Service, Scopes }, never);
    expect(answer).toMatchObject({ Token: 'abc', ExpiresIn: 300n, IssuedAt: 1_700_000_000n });
    expect(asked).toEqual([REQUEST]);
  });

  it('passes a refusal on, which need not be the build’s end', async (context) => {
    const refusal = new BuildFailure({ code: 'REGISTRY_DENIED', retry: 'never', words: 'denied: who are you?' });
    const { channel, faults } = await ask(context, logins(me, { fetchToken: () => Promise.reject(refusal) }));
    await expect(channel.unary(FETCH, {}, never)).rejects.toMatchObject({ message: 'denied: who are you?' });
    expect(faults).toEqual([]);
  });

  it('shows by a key which login it stands for, and proves that it has it', async (context) => {
    const fetchToken = async () => TOKEN;
    const salt = Buffer.from('salt of this daemon');
    const keyOf = async (login: typeof me | null, Host: string, Salt: Uint8Array = salt) => {
      const { channel } = await ask(context, logins(login, { fetchToken }));
      return Buffer.from((await channel.unary(AUTHORITY, { Host, Salt }, never)).PublicKey).toString('hex');
    };
    const mine = await keyOf(me, 'a.example.com');
    expect(mine).toHaveLength(64);
    expect(await keyOf(me, 'a.example.com')).toBe(mine);
    const others = [
      await keyOf(me, 'b.example.com'),
      await keyOf({ ...me, secret: 'other' }, 'a.example.com'),
      await keyOf(me, 'a.example.com', Buffer.from('salt of another')),
      await keyOf(null, 'a.example.com'),
    ];
    expect(new Set([mine, ...others]).size).toBe(5);

    const { channel } = await ask(context, logins(me, { fetchToken }));
    const Payload = Buffer.from('said by the daemon');
    const { Signed } = await channel.unary(VERIFY, { Host: 'a.example.com', Salt: salt, Payload }, never);
    const signed = Buffer.from(Signed);
    expect(signed.subarray(64).equals(Payload)).toBe(true);
    const prefix = Buffer.from('302a300506032b6570032100', 'hex');
    const key = createPublicKey({
      key: Buffer.concat([prefix, Buffer.from(mine, 'hex')]),
      format: 'der',
      type: 'spki',
    });
    expect(verify(null, Payload, key, signed.subarray(0, 64))).toBe(true);
  });
});

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** A token server that answers as it is told, and keeps what it was asked. */
async function tokenServer(
  { onTestFinished: finished }: Pick<TestContext, 'onTestFinished'>,
  status: number,
  answer: string,
) {
  const seen: Seen[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      const { method, url, headers } = request;
      seen.push({ method, url, authorization: headers.authorization, body });
      response.writeHead(status).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  finished(() => void server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, seen, request: { ...REQUEST, host, realm: `http://${host}/token?account=x` } };
}

function fetcher(login: Credentials | null) {
  return createTokenFetcher({
    credentials: async () => login,
    registry: (host) => ({ host }),
    signal: never,
  });
}

describe('a token', () => {
  const answer = JSON.stringify({ token: 'abc', expires_in: 300, issued_at: '2023-11-14T22:13:20Z' });

  it('is asked for with name and password', async (context) => {
    const { seen, request } = await tokenServer(context, 200, answer);
    expect(await fetcher({ username: 'me', password: 'pass' })(request)).toEqual(TOKEN);
    expect(seen).toEqual([
      {
        method: 'GET',
        url: '/token?account=x&service=registry&scope=repository%3Aa%2Fb%3Apull%2Cpush',
        authorization: `Basic ${Buffer.from('me:pass').toString('base64')}`,
        body: '',
      },
    ]);
  });

  it('is asked for with an identity token, as OAuth has it', async (context) => {
    const { seen, request } = await tokenServer(context, 200, JSON.stringify({ access_token: 'abc' }));
    expect(await fetcher({ identityToken: 'refresh' })(request)).toEqual({ token: 'abc', expiresIn: 60, issuedAt: 0 });
    expect(seen).toMatchObject([{ method: 'POST', url: '/token?account=x', authorization: undefined }]);
    expect(Object.fromEntries(new URLSearchParams(seen[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'buildkit-client',
      refresh_token: 'refresh',
      service: 'registry',
      scope: 'repository:a/b:pull,push',
    });
  });

  it('is asked for without a login', async (context) => {
    const { seen, request } = await tokenServer(context, 200, answer);
    await fetcher(null)({ ...request, service: '', scopes: [] });
    expect(seen).toMatchObject([{ method: 'GET', url: '/token?account=x', authorization: undefined }]);
  });

  it.each([
    [401, 'go away', 'REGISTRY_DENIED', 'never'],
    [400, 'what?', 'REGISTRY_DENIED', 'never'],
    [429, 'later', 'REGISTRY_BUSY', 'backoff'],
    [503, 'later', 'REGISTRY_UNREACHABLE', 'backoff'],
    [200, 'not JSON', 'REGISTRY_UNREACHABLE', 'backoff'],
    [200, '{"token": "two\\r\\nlines"}', 'REGISTRY_UNREACHABLE', 'backoff'],
    [200, '"text"', 'REGISTRY_UNREACHABLE', 'backoff'],
  ])('that is answered with %i %j is none', async (status, words, code, retry) => {
    const { request } = await tokenServer({ onTestFinished }, status, words);
    await expect(fetcher(null)(request)).rejects.toMatchObject({ error: { code, retry } });
  });

  it.each(['http://auth.example.com/token', 'ftp://auth.example.com/', 'https://me@auth.example.com/', 'nonsense'])(
    'is not asked for at %s',
    async (realm) => {
      const login = () => Promise.reject(new Error('asked for a login'));
      const fetchToken = createTokenFetcher({ credentials: login, registry: (host) => ({ host }), signal: never });
      await expect(fetchToken({ ...REQUEST, realm })).rejects.toMatchObject({ error: { code: 'REGISTRY_DENIED' } });
    },
  );

  it('is not asked for in the clear by a registry that speaks TLS, on this machine either', async () => {
    const login = () => Promise.reject(new Error('asked for a login'));
    const registry = (host: string) => ({ host, ca: '/ca.pem' });
    const fetchToken = createTokenFetcher({ credentials: login, registry, signal: never });
    const request = { ...REQUEST, host: '127.0.0.1:5000', realm: 'http://127.0.0.1:5001/token' };
    await expect(fetchToken(request)).rejects.toMatchObject({ error: { code: 'REGISTRY_DENIED' } });
  });

  it('of a server that is not there is to be tried again', async () => {
    const request = { ...REQUEST, host: '127.0.0.1:1', realm: 'http://127.0.0.1:1/token' };
    await expect(fetcher(null)(request)).rejects.toMatchObject({
      error: { code: 'REGISTRY_UNREACHABLE', retry: 'backoff' },
    });
  });
});
