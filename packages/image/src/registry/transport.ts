/** Sockets to one registry: kept alive, with the trust that its access asks for. Knows HTTP, nothing of registries. */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createSecureContext, getCACertificates } from 'node:tls';
import { BuildFailure, type RegistryAccess } from '../types.ts';

/** A socket on which nothing moves for this long is dead. */
const IDLE_MS = 60_000;
const MAX_DISCARDED_BYTES = 64 << 10;

export type Body = Uint8Array | AsyncIterable<Uint8Array>;

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body;
  readonly signal: AbortSignal;
}

/** An answer whose body is read, streamed or thrown away by whoever gets it: until then its socket is taken. */
export interface Answer {
  readonly status: number;
  /** Value of a header; lower-case name. */
  header(name: string): string | undefined;
  /** The whole body; rejects with a `BuildFailure` above `limit` bytes. */
  bytes(limit: number): Promise<Buffer>;
  stream(): AsyncIterable<Uint8Array>;
  discard(): void;
}

export interface Transport {
  send(request: Request): Promise<Answer>;
  close(): void;
}

/** Whether a host (`host[:port]`) is this machine, to which Docker speaks without TLS too. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host);
}

/** `sockets`: how many connections are kept when nobody uses them. `env`: where proxies are named, with the usual variables; never used for this machine. */
export function createTransport(
  access: RegistryAccess,
  options: { readonly sockets: number; readonly env: NodeJS.ProcessEnv },
): Transport {
  const settings = {
    keepAlive: true,
    // Not bounded here: an answer that is still being read holds its socket, and what reads it may need another one.
    maxFreeSockets: options.sockets,
    ...(isLoopback(access.host) ? {} : { proxyEnv: options.env }),
  };
  const http = new HttpAgent(settings);
  let https: HttpsAgent | undefined;
  // One context for all sockets: it costs milliseconds to parse the system's certificates.
  const httpsAgent = (): HttpsAgent => (https ??= new HttpsAgent({ ...settings, ...trustOf(access) }));

  return {
    async send(request) {
      request.signal.throwIfAborted();
      return exchange(request, request.url.protocol === 'https:' ? httpsAgent() : http);
    },
    close() {
      http.destroy();
      https?.destroy();
    },
  };
}

/** The system's authorities (with NODE_EXTRA_CA_CERTS) and those of the access. */
function trustOf({ ca, host }: RegistryAccess): { secureContext?: ReturnType<typeof createSecureContext> } {
  if (ca === undefined) return {};
  try {
    return { secureContext: createSecureContext({ ca: [...getCACertificates('default'), readFileSync(ca, 'utf8')] }) };
  } catch (error) {
    const words = `${host}: the CA bundle ${ca} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
    throw new BuildFailure({ code: 'REGISTRY_TLS', retry: 'never', words }, { cause: error });
  }
}

async function exchange(
  { method, url, headers, body, signal }: Request,
  agent: HttpAgent | HttpsAgent,
): Promise<Answer> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const whole = body instanceof Uint8Array ? body : undefined;
  const length = whole === undefined ? {} : { 'content-length': String(whole.byteLength) };
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      { method, agent, signal, timeout: IDLE_MS, headers: { ...headers, ...length } },
      (message) => {
        resolve(answerOf(message, method));
      },
    );
    request.on('timeout', () => {
      request.destroy(Object.assign(new Error(`no answer within ${IDLE_MS / 1000} s`), { code: 'ETIMEDOUT' }));
    });
    request.on('socket', listenTo);
    // After an answer has come, errors belong to its body; rejecting again does nothing.
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error));
    if (body === undefined || whole !== undefined) {
      request.end(whole);
    } else {
      pipeline(Readable.from(body, { objectMode: false }), request).catch((error: unknown) => {
        reject(signal.aborted ? signal.reason : error);
      });
    }
  });
}

const heard = new WeakSet<Socket>();

/**
 * Between the end of an answer and its return to the agent nobody listens to a socket (Node 24): an abort in that moment would end the process.
 * Whoever waits for the socket hears of the error as well.
 */
function listenTo(socket: Socket): void {
  if (heard.has(socket)) return;
  heard.add(socket);
  socket.on('error', () => undefined);
}

function answerOf(message: IncomingMessage, method: Request['method']): Answer {
  return {
    status: message.statusCode ?? 0,
    header: (name) => {
      const value = message.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    async bytes(limit) {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of message) {
        size += (chunk as Buffer).byteLength;
        if (size > limit) {
          message.destroy();
          const words = `an answer of more than ${limit} bytes`;
          throw new BuildFailure({ code: 'REGISTRY_CORRUPT', retry: 'never', words });
        }
        chunks.push(chunk as Buffer);
      }
      return Buffer.concat(chunks);
    },
    stream: () => message,
    discard: () => {
      message.on('error', () => undefined);
      // Reading a small rest keeps the socket; a large one costs more than a new socket.
      const isSmall = method === 'HEAD' || Number(message.headers['content-length'] ?? 0) <= MAX_DISCARDED_BYTES;
      if (isSmall) message.resume();
      else message.destroy();
    },
  };
}
