/** Requests to one registry: scheme, login, redirects, and trying again what may work the second time. */
import { BuildFailure, type Credentials, type RegistryAccess } from '../types.ts';
import { createAuth, type Auth } from './auth.ts';
import { createBlobs, type BlobMemory, type Blobs } from './blobs.ts';
import { connectionFailure } from './errors.ts';
import { createSlots } from './slots.ts';
import { createTransport, isLoopback, type Answer, type Body, type Request, type Transport } from './transport.ts';

const MAX_REDIRECTS = 5;
/** Delays before the second, third and fourth try, in milliseconds. */
export const BACKOFF_MS: readonly [number, ...number[]] = [200, 800, 3_200];
/** A registry that asks for a longer pause is as good as away. */
const MAX_RETRY_AFTER_MS = 30_000;

/** One request below `/v2/`, or at an address that the registry gave. */
export interface Call {
  readonly method: Request['method'];
  /** Path with a leading `/v2/`, or the absolute address of an upload. */
  readonly to: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called anew for each try. */
  readonly body?: () => Body;
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
  /** Set where a second try has to begin further back, as with an upload. */
  readonly onlyOnce?: true;
}

export interface Session {
  readonly host: string;
  readonly blobs: Blobs;
  /** Any answer, also a refusal, is an answer. Rejects with a `BuildFailure` when there is none, and with the signal's reason. */
  send(call: Call): Promise<Answer>;
  /** An address that the registry gave (`Location`), as one to call. Null if it is none. */
  address(location: string, relativeTo: string | URL): URL | null;
  /** Waits before another try; rejects with the signal's reason. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface SessionOptions {
  readonly access: RegistryAccess;
  /** Requests at once. */
  readonly atOnce: number;
  readonly userAgent: string;
  readonly env: NodeJS.ProcessEnv;
  credentials(): Promise<Credentials | null>;
  readonly now: () => number;
  readonly memory: BlobMemory | null;
  /** Resolves after `ms`; rejects when the signal aborts first. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export function createSession(options: SessionOptions): Session {
  const { access, userAgent } = options;
  const host = access.host;
  // A loopback registry may have TLS all the same: it then says so when it is spoken to without.
  let scheme: 'http' | 'https' =
    access.ca === undefined && (access.insecure === true || isLoopback(host)) ? 'http' : 'https';
  const transport: Transport = createTransport(access, { sockets: options.atOnce, env: options.env });
  const auth: Auth = createAuth({
    host,
    transport,
    userAgent,
    isSecure: () => scheme === 'https',
    credentials: () => options.credentials(),
    now: () => options.now(),
  });

  // Requests wait here and not for a socket, so that those that wait go out with the login that the first ones found.
  const slots = createSlots(options.atOnce);

  /** While it is pending, the registry wants no requests at all, not from anyone. */
  let quiet: Promise<void> | null = null;
  const closing = new AbortController();

  function keepQuiet(ms: number): void {
    const all = Promise.all([quiet, options.pause(ms, closing.signal)]);
    const mine = all.then(
      () => undefined,
      () => undefined,
    );
    quiet = mine;
    void mine.then(() => {
      if (quiet === mine) quiet = null;
    });
  }

  const base = (): URL => new URL(`${scheme}://${host}/`);

  function address(location: string, relativeTo: string | URL): URL | null {
    const url = URL.parse(location, new URL(String(relativeTo), base()).href);
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
    // Behind a proxy that ends TLS, registries name themselves without it.
    if (scheme === 'https' && url.host === base().host) url.protocol = 'https:';
    return url.protocol === 'http:' && scheme === 'https' ? null : url;
  }

  /** One try, over all redirects. The login goes to the registry itself and nowhere else. */
  async function follow(call: Call, authorization: string | null): Promise<Answer> {
    let url = new URL(String(call.to), base());
    for (let hop = 0; ; hop++) {
      const isOwn = url.origin === base().origin;
      const headers: Record<string, string> = { ...call.headers, 'user-agent': userAgent };
      if (isOwn && authorization !== null) headers['authorization'] = authorization;
      const body = call.body?.();
      const answer = await transport.send({
        method: call.method,
        url,
        headers,
        ...(body === undefined ? {} : { body }),
        signal: call.signal,
      });
      const location = answer.header('location');
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
      if (!isRedirect || (call.method !== 'GET' && call.method !== 'HEAD')) return answer;
      answer.discard();
      const next = hop < MAX_REDIRECTS ? address(location, url) : null;
      if (next === null) {
        const words = `${host} redirects to where it may not, or too often: ${JSON.stringify(location.slice(0, 200))}`;
        throw new BuildFailure({ code: 'REGISTRY_REFUSED', retry: 'never', words });
      }
      url = next;
    }
  }

  async function withLogin(call: Call): Promise<Answer> {
    const first = await abortable(auth.header(call.scopes), call.signal);
    const answer = await follow(call, first);
    if (answer.status !== 401) return answer;
    const next = await abortable(auth.renew(answer.header('www-authenticate'), call.scopes, first), call.signal);
    if (next === null) return answer;
    answer.discard();
    return follow(call, next);
  }

  async function send(call: Call): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const delay = call.onlyOnce === true ? undefined : BACKOFF_MS[attempt];
      let answer: Answer;
      try {
        answer = await slots.use(async () => {
          while (quiet !== null) await abortable(quiet, call.signal);
          return withLogin(call);
        }, call.signal);
      } catch (error) {
        if (call.signal.aborted) throw call.signal.reason;
        if (delay === undefined || !isPassing(error)) throw connectionFailure(error, host);
        await pause(delay, call.signal);
        continue;
      }
      if (
        answer.status === 400 &&
        scheme === 'http' &&
        access.insecure !== true &&
        answer.header('content-type') === undefined
      ) {
        // Go's TLS server answers plain HTTP with a bare 400.
        answer.discard();
        scheme = 'https';
        continue;
      }
      if ((answer.status !== 429 && answer.status < 500) || answer.status === 501) return answer;
      const asked = retryAfter(answer.header('retry-after'), options.now());
      const wait = Math.max(delay ?? BACKOFF_MS[0], asked);
      if (wait > MAX_RETRY_AFTER_MS) return answer;
      const isForAll = answer.status === 429 || asked > 0;
      if (isForAll) keepQuiet(wait);
      if (delay === undefined) return answer;
      answer.discard();
      if (!isForAll) await pause(wait, call.signal);
    }
  }

  const pause = async (ms: number, signal: AbortSignal): Promise<void> => abortable(options.pause(ms, signal), signal);

  function close(): void {
    closing.abort(new Error('the client was closed'));
    transport.close();
  }

  return { host, blobs: createBlobs(host, options.memory), send, address, pause, close };
}

/** Whether a connection broke in a way that a new one may not; who refuses or is unknown does so a moment later too. */
function isPassing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return (
    code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT' || code === 'EAI_AGAIN' || code === 'ECONNABORTED'
  );
}

/** Milliseconds that a `Retry-After` (seconds or a date) asks to wait; 0 where it says nothing. */
function retryAfter(value: string | undefined, now: number): number {
  if (value === undefined) return 0;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/** What is shared by several requests goes on; only this one stops waiting for it. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
