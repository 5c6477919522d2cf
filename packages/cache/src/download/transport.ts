/** Requests over HTTP: connections that are kept, proxies, redirects, and logins that go to one origin only. Tries once. */
import type { Dispatcher } from 'undici';
import { createSlots, type Slots } from '@rebake/image';
import { bodyOf } from './body.ts';
import { proxyFor } from './proxy.ts';
import { trustOf } from './trust.ts';
import type { DownloadAccess, Login } from './types.ts';
import { downloadFailed, downloadRefused } from './words.ts';

/** At once to one host, as browsers and mirrors are used to. */
const AT_ONCE = 8;
const MAX_REDIRECTS = 10;
const CONNECT_MS = 30_000;
/** A connection on which nothing moves for this long is dead. */
const IDLE_MS = 60_000;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface Answer {
  readonly status: number;
  /** Value of a header; lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** Whether a login went with the request. */
  readonly loggedIn: boolean;
  /** Lets go of it; nothing happens when the body was read to its end. */
  readonly end: () => void;
}

export interface Transport {
  /** Asks, and gives the answer to `use`; afterwards its connection is free. */
  get<T>(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    use: (answer: Answer) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

export function createTransport(access: DownloadAccess): Transport {
  const dispatchers = new Map<string, Promise<Dispatcher>>();
  const slots = new Map<string, Slots>();
  const logins = new Map<string, Promise<Login | null>>();
  let trust: ReturnType<typeof trustOf> | undefined;

  /** One for each proxy, and one for no proxy; those that speak no TLS do without its certificates. */
  function dispatcherFor(url: URL): Promise<Dispatcher> {
    const proxy = proxyFor(url, access);
    const secure = url.protocol === 'https:' || proxy?.startsWith('https:') === true;
    const key = JSON.stringify([proxy, secure]);
    const known = dispatchers.get(key) ?? makeDispatcher(proxy, secure);
    dispatchers.set(key, known);
    return known;
  }

  async function makeDispatcher(proxy: string | null, secure: boolean): Promise<Dispatcher> {
    const { Agent, ProxyAgent } = await import('undici');
    const tls = secure ? { secureContext: await (trust ??= trustOf(access)) } : {};
    const times = { headersTimeout: IDLE_MS, bodyTimeout: IDLE_MS, connectTimeout: CONNECT_MS, allowH2: false };
    if (proxy === null) return new Agent({ ...times, connect: { ...tls, timeout: CONNECT_MS } });
    return new ProxyAgent({ ...times, uri: proxy, requestTls: tls, proxyTls: tls });
  }

  async function loginFor(url: URL): Promise<Login | null> {
    if (url.username !== '') {
      return { username: decoded(url.username), password: decoded(url.password) };
    }
    const key = url.origin + url.pathname;
    const asked = logins.get(key) ?? access.login(url);
    logins.set(key, asked);
    return asked;
  }

  async function ask(first: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
    const login = await loginFor(first);
    let url = first;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const mine = login !== null && url.origin === first.origin ? { authorization: basic(login) } : {};
      const dispatcher = await dispatcherFor(url);
      const {
        statusCode,
        headers: got,
        body,
      } = await dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        // What is hashed is what was sent.
        headers: { 'accept-encoding': 'identity', 'user-agent': 'rebake', ...headers, ...mine },
        signal,
      });
      const header = (name: string): string | undefined => {
        const value = got[name];
        return Array.isArray(value) ? value.join(', ') : value;
      };
      const to = header('location');
      if (!REDIRECTS.has(statusCode) || to === undefined) {
        const end = (): void => void body.destroy();
        return { status: statusCode, header, body: bodyOf(body), loggedIn: login !== null, end };
      }
      await body.dump();
      url = nextUrl(url, to);
    }
    throw downloadRefused(first, `more than ${MAX_REDIRECTS} redirects`);
  }

  return {
    async get(url, headers, signal, use) {
      const own = slots.get(url.host) ?? createSlots(AT_ONCE);
      slots.set(url.host, own);
      return own.use(async () => {
        const answer = await ask(url, headers, signal);
        try {
          return await use(answer);
        } finally {
          answer.end();
        }
      }, signal);
    },
    async close() {
      const all = [...dispatchers.values()];
      dispatchers.clear();
      for (const made of all) await (await made.catch(() => undefined))?.destroy();
    },
  };
}

function nextUrl(from: URL, to: string): URL {
  const url = URL.canParse(to, from.href) ? new URL(to, from.href) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw downloadRefused(from, 'it redirects to what is no address of a file');
  }
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw downloadRefused(from, `it redirects to ${url.host} without TLS`);
  }
  // Whoever redirects chooses no login.
  url.username = '';
  url.password = '';
  return url;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function basic({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

const CERTIFICATE = /^(UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS_CERT)/;
const FOREVER: ReadonlySet<string> = new Set(['ENOTFOUND', 'ERR_INVALID_URL', 'UND_ERR_INVALID_ARG']);

/** What went wrong below HTTP as a failure; what is none of it stays as it is. */
export function transportFailure(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (
    !(
      'syscall' in error ||
      /^(UND_ERR_|ECONN|EPIPE|ETIMEDOUT|ERR_SSL|ERR_TLS|ERR_STREAM_|HPE_)/.test(error.code) ||
      CERTIFICATE.test(error.code)
    )
  ) {
    return error;
  }
  const words = error.message === '' ? error.code : error.message;
  if (CERTIFICATE.test(error.code)) {
    const help =
      'if it is the certificate of a company, name its authority with `ca`, SSL_CERT_FILE or NODE_EXTRA_CA_CERTS';
    return downloadFailed(url, `${words}; ${help}`, { cause: error });
  }
  const proxy = /Proxy response \((4\d\d)\)|Proxy Authentication Required \((407)\)/.exec(words);
  if (proxy !== null) return downloadRefused(url, `the proxy refuses it: ${proxy[1] ?? proxy[2]}`);
  return downloadFailed(url, words, { retry: FOREVER.has(error.code) ? 'never' : 'backoff', cause: error });
}
