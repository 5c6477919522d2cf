/** Tokens for registries, which BuildKit asks its client for: so that logins, and how a token server is reached, stay on this machine. */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { Credentials, RegistryAccess } from '@rebake/image';
import { failure, isInsecure, registryFailure } from '@rebake/sdk/building';

/** What a registry's challenge said, as the daemon passes it on. */
export interface TokenRequest {
  readonly clientId: string;
  readonly host: string;
  readonly realm: string;
  readonly service: string;
  readonly scopes: readonly string[];
}

/** A bearer token. Seconds. */
export interface RegistryToken {
  readonly token: string;
  readonly expiresIn: number;
  /** Since the epoch; 0: now. */
  readonly issuedAt: number;
}

/** Gets tokens with a login (or without one) from the token server that a registry names. Rejects with a `BuildFailure`. */
export type FetchToken = (request: TokenRequest) => Promise<RegistryToken>;

/** Where a {@link FetchToken} gets what it needs from. */
export interface TokenSources {
  credentials(host: string): Promise<Credentials | null>;
  registry(host: string): RegistryAccess;
  readonly signal: AbortSignal;
  /** Where proxies are named, with the usual variables. Default: none. */
  readonly env?: NodeJS.ProcessEnv;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 256 * 1024;
/** The spec's default where the server does not say. */
const LIFETIME_S = 60;

/** A {@link FetchToken} over HTTP(S) with the logins and the trusted authorities of this machine. */
export function createTokenFetcher(from: TokenSources): FetchToken {
  const { signal } = from;
  return async (wanted) => {
    const access = from.registry(wanted.host);
    const realm = realmOf(wanted, access);
    const login = await from.credentials(wanted.host);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const where = `token server ${realm.host} of ${wanted.host}`;
    let answer: Answer;
    try {
      answer = await send(requestOf(wanted, realm, login), access, limit, from.env);
    } catch (error) {
      signal.throwIfAborted();
      const words = `${where}: ${limit.aborted ? 'no answer' : error instanceof Error ? error.message : String(error)}`;
      throw registryFailure(words, error) ?? failure('REGISTRY_UNREACHABLE', 'backoff', words, error);
    }
    if (answer.status === 200) return tokenOf(answer.body, where);
    const words = `${where}: status: ${answer.status} ${answer.body.slice(0, 1024)}`;
    throw registryFailure(words) ?? failure('REGISTRY_DENIED', 'never', words);
  };
}

/** Credentials go only where the registry itself could have asked for them: not to plain HTTP where it speaks TLS. */
function realmOf({ host, realm }: TokenRequest, access: RegistryAccess): URL {
  const url = URL.parse(realm);
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && isInsecure(access));
  if (url === null || !isAllowed || url.username !== '' || url.password !== '')
    throw failure(
      'REGISTRY_DENIED',
      'never',
      `${host} wants tokens from ${JSON.stringify(realm.slice(0, 200))}, which is no address that credentials may be sent to`,
    );
  return url;
}

interface Question {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A form to be posted; null: a question. */
  readonly form: URLSearchParams | null;
}

/** Identity tokens are refresh tokens of OAuth; a name and password go with the question, as every token server knows it. */
function requestOf({ clientId, service, scopes }: TokenRequest, realm: URL, login: Credentials | null): Question {
  const headers = { accept: 'application/json', 'user-agent': 'rebake' };
  const wanted = scopes.filter((scope) => scope !== '');
  if (login !== null && 'identityToken' in login) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: clientId === '' ? 'rebake' : clientId,
      refresh_token: login.identityToken,
      ...(service === '' ? {} : { service }),
      ...(wanted.length === 0 ? {} : { scope: wanted.join(' ') }),
    });
    return { url: realm, headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, form };
  }
  const url = new URL(realm);
  if (service !== '') url.searchParams.set('service', service);
  for (const scope of wanted) url.searchParams.append('scope', scope);
  if (login === null) return { url, headers, form: null };
  const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  return { url, headers: { ...headers, authorization: `Basic ${basic}` }, form: null };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function send(
  { url, headers, form }: Question,
  { ca }: RegistryAccess,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv | undefined,
): Promise<Answer> {
  const proxy = env === undefined ? {} : { proxyEnv: env };
  const trust = ca === undefined ? {} : { ca: [...getCACertificates('default'), readFileSync(ca, 'utf8')] };
  // One question a connection: tokens are asked for seldom, and nothing is left open.
  const [request, agent] =
    url.protocol === 'https:'
      ? ([httpsRequest, new HttpsAgent({ ...proxy, ...trust })] as const)
      : ([httpRequest, new HttpAgent(proxy)] as const);
  const body = form === null ? undefined : Buffer.from(form.toString());
  const length = body === undefined ? {} : { 'content-length': String(body.length) };
  const method = body === undefined ? 'GET' : 'POST';
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { method, agent, signal, headers: { ...headers, ...length } }, resolve)
      .once('error', reject)
      .end(body);
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    size += (chunk as Buffer).length;
    if (size > MAX_BYTES) throw new Error(`it answers with more than ${MAX_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return { status: message.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}

function tokenOf(body: string, where: string): RegistryToken {
  const nonsense = () => failure('REGISTRY_UNREACHABLE', 'backoff', `${where} answered without a token`);
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw nonsense();
  }
  if (typeof answer !== 'object' || answer === null) throw nonsense();
  const {
    token,
    access_token: accessToken,
    expires_in: expiresIn,
    issued_at: issuedAt,
  } = answer as Record<string, unknown>;
  const value = typeof token === 'string' && token !== '' ? token : accessToken;
  // What is no visible ASCII could end the daemon's header and begin another.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) throw nonsense();
  const issued = typeof issuedAt === 'string' ? Date.parse(issuedAt) : Number.NaN;
  return {
    token: value,
    expiresIn: typeof expiresIn === 'number' && expiresIn > 0 ? Math.min(Math.floor(expiresIn), 86_400) : LIFETIME_S,
    issuedAt: Number.isFinite(issued) && issued > 0 ? Math.floor(issued / 1_000) : 0,
  };
}
