/**
 * Logging in at one registry: basic, or tokens from the server that the registry's challenge names. That name comes from outside: tokens are
 * asked for over https only, unless the registry itself is spoken to without TLS, and credentials go nowhere else.
 */
import { BuildFailure, type Credentials } from '../types.ts';
import { parseChallenge, type Challenge } from './challenge.ts';
import { answerFailure, connectionFailure } from './errors.ts';
import type { Answer, Transport } from './transport.ts';

const MAX_TOKEN_BYTES = 1 << 20;
const TOKEN_TIMEOUT_MS = 30_000;
/** The spec's default where the server does not say; also the least that it may say. Seconds. */
const LIFETIME_S = 60;
const MAX_LIFETIME_S = 86_400;
/** A token is given up this long before it expires, so that none expires on the way. */
const MARGIN_MS = 10_000;
const CLIENT_ID = 'rebake';

/** The `Authorization` of requests to one registry. `scopes` are those of the token spec, such as `repository:NAME:pull`. */
export interface Auth {
  /** What is known to be needed; null: nothing so far. */
  header(scopes: readonly string[]): Promise<string | null>;
  /**
   * Answers a 401: the header to try again with, or null when there is no other than the one `refused`. Rejects with a `BuildFailure` when
   * the token server denies or cannot be used.
   */
  renew(challenge: string | undefined, scopes: readonly string[], refused: string | null): Promise<string | null>;
}

interface Token {
  readonly value: string;
  readonly expiresAt: number;
}

type Bearer = Extract<Challenge, { scheme: 'bearer' }>;

export function createAuth(options: {
  readonly host: string;
  readonly transport: Transport;
  readonly userAgent: string;
  /** Whether the registry is spoken to with TLS. */
  isSecure(): boolean;
  credentials(): Promise<Credentials | null>;
  now(): number;
}): Auth {
  const { host, transport } = options;
  let known: Challenge | null = null;
  /** By scopes; promises, so that any number of requests at once ask for one token. */
  const tokens = new Map<string, Promise<Token>>();
  /** Token servers may hand out a new refresh token with each use. */
  let refreshToken: string | undefined;

  async function basic(): Promise<string | null> {
    const login = await options.credentials();
    if (login === null || 'identityToken' in login) return null;
    return basicHeader(login);
  }

  async function bearer(challenge: Bearer, scopes: readonly string[], refused: string | null): Promise<string> {
    const id = scopes.join(' ');
    let pending = tokens.get(id);
    if (pending !== undefined) {
      const token = await pending;
      if (token.expiresAt > options.now() && `Bearer ${token.value}` !== refused) return `Bearer ${token.value}`;
      // Somebody else may have asked for a new one meanwhile.
      if (tokens.get(id) === pending) tokens.delete(id);
      pending = tokens.get(id);
    }
    if (pending === undefined) {
      pending = fetchToken(challenge, scopes);
      tokens.set(id, pending);
      const mine = pending;
      mine.catch(() => {
        if (tokens.get(id) === mine) tokens.delete(id);
      });
    }
    return `Bearer ${(await pending).value}`;
  }

  async function fetchToken(challenge: Bearer, scopes: readonly string[]): Promise<Token> {
    const realm = realmOf(challenge.realm, host, options.isSecure());
    const login = await options.credentials();
    const signal = AbortSignal.timeout(TOKEN_TIMEOUT_MS);
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': options.userAgent };
    const wanted = new Set([...scopes, ...(challenge.scope?.split(' ').filter((scope) => scope !== '') ?? [])]);
    let answer: Answer;
    try {
      if (login !== null && 'identityToken' in login) {
        const form = new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: CLIENT_ID,
          refresh_token: refreshToken ?? login.identityToken,
          scope: [...wanted].join(' '),
          ...(challenge.service === undefined ? {} : { service: challenge.service }),
        });
        headers['content-type'] = 'application/x-www-form-urlencoded';
        answer = await transport.send({
          method: 'POST',
          url: realm,
          headers,
          body: Buffer.from(form.toString()),
          signal,
        });
      } else {
        if (challenge.service !== undefined) realm.searchParams.set('service', challenge.service);
        for (const scope of wanted) realm.searchParams.append('scope', scope);
        if (login !== null) headers['authorization'] = basicHeader(login);
        answer = await transport.send({ method: 'GET', url: realm, headers, signal });
      }
    } catch (error) {
      if (signal.aborted) throw unreachable(host, `the token server ${realm.host} did not answer`);
      throw connectionFailure(error, `token server ${realm.host} of ${host}`);
    }
    if (answer.status !== 200) throw await answerFailure(answer, `token server ${realm.host} of ${host}`);
    return readToken(await answer.bytes(MAX_TOKEN_BYTES));
  }

  function readToken(bytes: Buffer): Token {
    const nonsense = unreachable(host, 'the token server answered without a token');
    let answer: unknown;
    try {
      answer = JSON.parse(bytes.toString('utf8'));
    } catch {
      throw nonsense;
    }
    if (typeof answer !== 'object' || answer === null) throw nonsense;
    const {
      token,
      access_token: accessToken,
      expires_in: expiresIn,
      refresh_token: refresh,
    } = answer as Record<string, unknown>;
    const value = typeof token === 'string' && token !== '' ? token : accessToken;
    // What is no visible ASCII could end the header and begin another.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) throw nonsense;
    if (typeof refresh === 'string' && refresh !== '') refreshToken = refresh;
    const seconds = typeof expiresIn === 'number' && Number.isFinite(expiresIn) ? expiresIn : LIFETIME_S;
    const lifetime = Math.min(Math.max(seconds, LIFETIME_S), MAX_LIFETIME_S) * 1000;
    return { value, expiresAt: options.now() + lifetime - MARGIN_MS };
  }

  return {
    async header(scopes) {
      if (known === null) return null;
      return known.scheme === 'basic' ? basic() : bearer(known, scopes, null);
    },
    async renew(header, scopes, refused) {
      const challenge = parseChallenge(header);
      if (challenge === null) return null;
      // The scope of one challenge is that of one request; the others have theirs.
      known = challenge.scheme === 'bearer' ? { ...challenge, scope: '' } : challenge;
      const next = challenge.scheme === 'basic' ? await basic() : await bearer(challenge, scopes, refused);
      return next === refused ? null : next;
    },
  };
}

function realmOf(realm: string, host: string, isSecure: boolean): URL {
  const url = URL.parse(realm);
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && !isSecure);
  if (url === null || !isAllowed || url.username !== '' || url.password !== '') {
    const words = `${host} wants tokens from ${JSON.stringify(realm.slice(0, 200))}, which is no address that credentials may be sent to`;
    throw new BuildFailure({ code: 'REGISTRY_DENIED', retry: 'never', words });
  }
  return url;
}

function basicHeader({ username, password }: Extract<Credentials, { username: string }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function unreachable(host: string, what: string): BuildFailure {
  return new BuildFailure({ code: 'REGISTRY_UNREACHABLE', retry: 'backoff', words: `${host}: ${what}` });
}
