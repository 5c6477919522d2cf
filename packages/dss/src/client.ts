/** The public API of DSS over HTTP, asked as its own Python client asks. */
import { BuildFailure } from '@rebake/image';
import { Agent, request } from 'undici';
import type { DssClient, DssClientOptions, EnvLanguage } from './client-types.ts';
import type { Json, JsonObject } from './reading.ts';
import { isObject } from './settings.ts';

/** Where the Python client asks, whatever the release. */
const BASE = '/dip/publicapi';
const AT_ONCE = 20;
const RETRIES = 3;
/** Longest answer, in bytes: general settings of a large instance are some megabytes. */
const MOST = 64 * 1024 * 1024;
const HEADERS_MS = 120_000;
/** Longest words of DSS that are told, in characters. */
const LONGEST = 6_000;
/** Waits before further tries of a GET, in milliseconds. */
const FIRST_WAIT = 250;
/** Gateways and limits, after which the same question may be answered. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the base path, encoded, with its query. */
  readonly path: string;
  readonly body?: Json;
}

/** Opens a client; `close` closes its sockets. Nothing is asked yet. Every failure is a `BuildFailure` in DSS's own words, and holds no key. */
export function createDssClient(options: DssClientOptions): DssClient & { close(): Promise<void> } {
  const http = new Http(options);
  const env = (language: EnvLanguage, name: string): string => `/admin/code-envs/${language}/${part(name)}`;
  const object = async (call: Call): Promise<JsonObject> => objectIn(await http.json(call), call);
  const rows = async (call: Call): Promise<readonly JsonObject[]> => rowsIn(await http.json(call), call);
  const get = (path: string): Call => ({ method: 'GET', path });
  return {
    listEnvs: () => rows(get('/admin/code-envs/')),
    envSettings: (language, name) => object(get(env(language, name))),
    putEnvSettings: (language, name, body) => object({ method: 'PUT', path: env(language, name), body }),
    updatePackages: (language, name, { forceRebuildEnv, versionToUpdate, wait }) =>
      object({
        method: 'POST',
        path: `${env(language, name)}/packages${query({ forceRebuildEnv, versionToUpdate, wait })}`,
      }),
    updateImages: (language, name, { envVersion, wait }) =>
      object({ method: 'POST', path: `${env(language, name)}/images${query({ envVersion, wait })}` }),
    future: (id) => object(get(`/futures/${part(id)}${query({ peek: false })}`)),
    abortFuture: async (id) => void (await http.text({ method: 'DELETE', path: `/futures/${part(id)}` })),
    envUsages: (language, name) => rows(get(`${env(language, name)}/usages`)),
    allUsages: () => rows(get('/admin/code-envs/usages')),
    listLogs: (language, name) => rows(get(`${env(language, name)}/logs`)),
    log: (language, name, log) => http.text(get(`${env(language, name)}/logs/${part(log)}`)),
    generalSettings: () => object(get('/admin/general-settings')),
    putGeneralSettings: (body) => http.json({ method: 'PUT', path: '/admin/general-settings', body }),
    pushBaseImages: () => object({ method: 'POST', path: '/admin/container-exec/actions/push-base-images' }),
    listClusters: () => rows(get('/admin/clusters/')),
    cluster: (id) => object(get(`/admin/clusters/${part(id)}`)),
    close: () => http.close(),
  };
}

/** One part of a path. What is `.` or `..` would lead to another call. */
function part(name: string): string {
  if (name === '' || name === '.' || name === '..')
    throw failed('DSS_REFUSED', 'never', `\`${name}\` is no name that can be asked for`);
  return encodeURIComponent(name);
}

/** As Python writes it: `True`, `False`, and nothing for what is not given. */
function query(values: Readonly<Record<string, boolean | string | undefined>>): string {
  const given = Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const text = typeof value === 'string' ? value : value ? 'True' : 'False';
    return [`${name}=${encodeURIComponent(text)}`];
  });
  return given.length === 0 ? '' : `?${given.join('&')}`;
}

class Http {
  readonly #options: DssClientOptions;
  readonly #agent: Agent;
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];

  constructor(options: DssClientOptions) {
    const url = URL.parse(options.url);
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
      throw failed(
        'DSS_UNREACHABLE',
        'never',
        'the address of the instance is none that begins with http:// or https://',
      );
    this.#options = options;
    this.#origin = `${url.origin}${url.pathname.replace(/\/+$/, '')}${BASE}`;
    const key = typeof options.apiKey === 'string' ? options.apiKey : Buffer.from(options.apiKey).toString('utf8');
    const login = Buffer.from(`${key.trim()}:`).toString('base64');
    this.#headers = { authorization: `Basic ${login}` };
    this.#secrets = [login, key.trim()].filter((secret) => secret !== '');
    const tls = {
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      rejectUnauthorized: options.insecure !== true,
    };
    // Neither pipelining nor HTTP/2: as many sockets are as many requests at a time.
    this.#agent = new Agent({ connections: options.atOnce ?? AT_ONCE, pipelining: 1, allowH2: false, connect: tls });
  }

  async json(call: Call): Promise<Json> {
    const text = await this.text(call);
    if (text === '') return null;
    try {
      return JSON.parse(text) as Json;
    } catch {
      throw failed('DSS_BROKEN_ANSWER', 'never', `${call.method} ${call.path}: the answer is no JSON`);
    }
  }

  /** Asks, and again where that may help. What changes something is asked once: nobody knows whether it was heard. */
  async text(call: Call): Promise<string> {
    const tries = call.method === 'GET' ? (this.#options.retries ?? RETRIES) : 0;
    for (let left = tries, wait = FIRST_WAIT; ; left -= 1, wait *= 2) {
      try {
        return await this.#once(call);
      } catch (error) {
        if (left <= 0 || !(error instanceof BuildFailure) || error.error.retry !== 'backoff') throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  async #once(call: Call): Promise<string> {
    const { method, path, body } = call;
    const started = performance.now();
    let status: number | null = null;
    try {
      const answer = await request(`${this.#origin}${path}`, {
        dispatcher: this.#agent,
        method,
        headers: { ...this.#headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: body === undefined ? null : JSON.stringify(body),
        headersTimeout: HEADERS_MS,
        bodyTimeout: HEADERS_MS,
      });
      status = answer.statusCode;
      const text = await bounded(answer.body, call);
      // A redirect leads to a login page or another service: it is no answer either.
      if (status < 200 || status >= 300) throw refused(call, status, text);
      return text;
    } catch (error) {
      const failure = error instanceof BuildFailure ? error : unreachable(call, error);
      throw this.#withoutKey(method === 'GET' ? failure : once(failure));
    } finally {
      this.#options.onCall?.({ method, path: `${BASE}${path}`, status, ms: Math.round(performance.now() - started) });
    }
  }

  /** A proxy may say back what it was sent. */
  #withoutKey({ error }: BuildFailure): BuildFailure {
    const words = this.#secrets.reduce((text, secret) => text.replaceAll(secret, '***'), error.words);
    return new BuildFailure({ ...error, words });
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }
}

async function bounded(body: AsyncIterable<Buffer>, { method, path }: Call): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MOST)
      throw failed('DSS_BROKEN_ANSWER', 'never', `${method} ${path}: the answer is longer than ${MOST} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused({ method, path }: Call, status: number, text: string): BuildFailure {
  const words = `${method} ${path}: HTTP ${status}: ${wordsIn(text)}`;
  if (status === 401 || status === 403) return failed('DSS_AUTH', 'never', words);
  return failed('DSS_REFUSED', PASSING.has(status) ? 'backoff' : 'never', words);
}

/** DSS answers `{message, detailedMessage}`; a proxy in between answers whatever it likes. */
function wordsIn(text: string): string {
  try {
    const { detailedMessage, message } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const said = [detailedMessage, message].find((one) => typeof one === 'string' && one !== '');
    if (typeof said === 'string') return said.slice(0, LONGEST);
  } catch {
    // Not DSS's own answer.
  }
  const line = text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
  return line === '' ? 'no words' : line;
}

const TLS = /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_|INVALID_CA|EPROTO)/;

/** What changes something may have been heard: nobody is to try it again by himself. */
function once({ error }: BuildFailure): BuildFailure {
  return new BuildFailure({ ...error, retry: 'never' });
}

function unreachable({ method, path }: Call, error: unknown): BuildFailure {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const words = `${method} ${path}: ${message === '' ? code : message}`;
  return TLS.test(code) ? failed('DSS_TLS', 'never', words) : failed('DSS_UNREACHABLE', 'backoff', words);
}

function failed(code: string, retry: 'never' | 'backoff', words: string): BuildFailure {
  return new BuildFailure({ code, retry, words });
}

function objectIn(value: Json, { method, path }: Call): JsonObject {
  if (isObject(value)) return value;
  throw failed('DSS_BROKEN_ANSWER', 'never', `${method} ${path}: the answer is no object`);
}

function rowsIn(value: Json, { method, path }: Call): readonly JsonObject[] {
  if (Array.isArray(value) && (value as readonly Json[]).every(isObject)) return value as readonly JsonObject[];
  throw failed('DSS_BROKEN_ANSWER', 'never', `${method} ${path}: the answer is no list of objects`);
}
