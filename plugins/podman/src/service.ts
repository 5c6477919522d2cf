/** Requests to one service. Questions have to be answered soon; what takes its time is watched from the side. Answers are checked elsewhere. */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { engineFailure, failure, unlessAborted } from '@rebake/sdk/building';
import type { BuilderPlace } from '@rebake/sdk';
import type { Destination } from './destination.ts';
import { showHost } from './host.ts';
import { routeTo } from './route.ts';
import type { Route } from './route.ts';

/** How long a service may be silent, in milliseconds. */
export interface Patience {
  /** For questions that it answers from memory or by looking around: after this it does not answer, rather than being slow. */
  readonly answerMs: number;
  /** Between two looks at a service that works on something long. */
  readonly watchMs: number;
}

const PATIENCE: Patience = { answerMs: 30_000, watchMs: 10_000 };

/** No answer to a question is longer; what is longer is no answer to one. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

/** The oldest version of the API that there is in Podman 4, and the newest that all later ones know. */
const PREFIX = '/v4.0.0/libpod';

/** The one path that has no version. */
const PING = '/libpod/_ping';

/** One request. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the API's prefix; every part that comes from outside is encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** The service said no. The fields are those that `engineFailure` reads. */
export class Refusal extends Error {
  readonly statusCode: number;
  readonly json: { readonly message: string };

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.json = { message };
  }
}

/** A client of one service. */
export class Service {
  /** Its address, for people. */
  readonly shown: string;
  readonly #route: Route;
  readonly #patience: Patience;

  constructor(destination: Destination, place: BuilderPlace, patience: Patience = PATIENCE) {
    this.shown = showHost(destination.host);
    this.#route = routeTo(destination, place);
    this.#patience = patience;
  }

  /** A question; its answer is JSON, or null where there is none. Rejects with a {@link Refusal} for a no. */
  async ask(ask: Ask): Promise<unknown> {
    const { body } = await this.#question(ask);
    return parseJson(body.toString('utf8'));
  }

  /** Headers of the answer to a ping. */
  async ping(signal: AbortSignal): Promise<IncomingMessage['headers']> {
    const { headers } = await this.#question({ method: 'GET', path: '', signal }, PING);
    return headers;
  }

  /**
   * Something that takes its time; hands the answer over as it comes. Rejects with `ENGINE_LOST` when the service has gone, or does not answer
   * others any more.
   */
  async stream<T>(ask: Ask, read: (answer: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
    ask.signal.throwIfAborted();
    const hung = new AbortController();
    const signal = AbortSignal.any([ask.signal, hung.signal]);
    const watch = this.#watch(hung, signal);
    try {
      const answer = await this.#send({ ...ask, signal });
      if (isNo(answer)) throw refusal(answer, await whole(answer));
      return await read(answer);
    } catch (error) {
      ask.signal.throwIfAborted();
      if (hung.signal.aborted) throw hung.signal.reason;
      if (isBroken(error)) throw this.#lost(error.message, error);
      throw error instanceof Refusal ? error : engineFailure(error, this.shown);
    } finally {
      clearInterval(watch);
    }
  }

  /** Ends what leads to the service. */
  close(): Promise<void> {
    return this.#route.close();
  }

  async #question(ask: Ask, path?: string): Promise<{ body: Buffer; headers: IncomingMessage['headers'] }> {
    ask.signal.throwIfAborted();
    const late = AbortSignal.timeout(this.#patience.answerMs);
    const signal = AbortSignal.any([ask.signal, late]);
    try {
      const answer = await this.#send({ ...ask, signal }, path);
      const body = await whole(answer);
      if (isNo(answer)) throw refusal(answer, body);
      return { body, headers: answer.headers };
    } catch (error) {
      ask.signal.throwIfAborted();
      if (late.aborted) throw failure('ENGINE_UNREACHABLE', 'backoff', `${this.shown} ${this.#silence()}`, error);
      throw error instanceof Refusal ? error : engineFailure(error, this.shown);
    }
  }

  async #send(ask: Ask, path?: string): Promise<IncomingMessage> {
    const { secure, options } = await unlessAborted(this.#route.end(), ask.signal);
    const { method, body, signal, headers } = ask;
    const isWhole = body === undefined || body instanceof Uint8Array;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = (secure ? httpsRequest : httpRequest)({
      ...options,
      method,
      path: path ?? `${PREFIX}${ask.path}${queryOf(ask.query)}`,
      signal,
      // A connection for each: there are few requests, and a service that ends when nobody is connected may do so between two.
      agent: false,
      headers: {
        ...headers,
        ...(body instanceof Uint8Array ? { 'Content-Length': body.length } : {}),
      },
    });
    request.once('response', resolve);
    // Also after the answer has begun: nobody listens then, and the answer's own reader is told.
    request.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    if (isWhole) request.end(body);
    // An answer that comes before all is sent is a no: there is nobody who would take the rest.
    else pipeline(Readable.from(body, { objectMode: false }), request).catch(reject);
    return promise;
  }

  /** Notices that the service hangs, which a connection that stays open does not tell. */
  #watch(hung: AbortController, signal: AbortSignal): NodeJS.Timeout {
    const { answerMs, watchMs } = this.#patience;
    let isLooking = false;
    const look = async () => {
      if (isLooking) return;
      isLooking = true;
      const late = AbortSignal.timeout(answerMs);
      try {
        (await this.#send({ method: 'GET', path: '', signal: AbortSignal.any([signal, late]) }, PING)).resume();
      } catch {
        // Whether it is gone, the connection that is open tells better than one that cannot be opened.
        if (late.aborted) hung.abort(this.#lost(this.#silence()));
      } finally {
        isLooking = false;
      }
    };
    return setInterval(() => void look(), watchMs).unref();
  }

  #silence(): string {
    return `has not answered for ${this.#patience.answerMs / 1_000} s`;
  }

  #lost(words: string, cause?: unknown): Error {
    return failure('ENGINE_LOST', 'backoff', `lost the connection to ${this.shown}: ${words}`, cause);
  }
}

/** Whether a connection broke after it was made. */
function isBroken(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    /^(ECONNRESET|EPIPE|ERR_STREAM_PREMATURE_CLOSE)$/.test(String(error.code))
  );
}

function isNo({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode < 200 || statusCode > 299;
}

function refusal({ statusCode = 0 }: IncomingMessage, body: Buffer): Refusal {
  const text = body.toString('utf8');
  const json = parseJson(text);
  const said = typeof json === 'object' && json !== null && 'message' in json ? json.message : text;
  return new Refusal(statusCode, typeof said === 'string' && said !== '' ? said : `HTTP ${statusCode}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

async function whole(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw failure('ENGINE_ANSWER_INVALID', 'never', 'an answer without end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function queryOf(query: Ask['query'] = {}): string {
  const given = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given as [string, string][])}`;
}
