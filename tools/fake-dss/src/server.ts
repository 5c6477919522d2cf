/** The public API of a made-up instance over HTTP or HTTPS. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { faultCounter } from './faults.ts';
import { messages } from './futures.ts';
import { answer } from './routes.ts';
import { refused } from './server-answers.ts';
import type { Answer, RecordedCall, ServerOptions, State } from './server-types.ts';
import type { FakeInstance, Json } from './types.ts';

/** A started server. */
export interface FakeDss {
  readonly url: string;
  readonly apiKey: string;
  readonly calls: readonly RecordedCall[];
  /** The most requests that were open at once. */
  readonly peak: () => number;
  readonly instance: () => FakeInstance;
  readonly close: () => Promise<void>;
}

/** The real client asks below the second, curl users below the first. */
const BASES = ['/public/api', '/dip/publicapi'];

/** Starts a server on a free port of this machine. */
export async function startFakeDss(instance: FakeInstance, options: ServerOptions = {}): Promise<FakeDss> {
  const apiKey = `dkuaps-${randomUUID()}`;
  const calls: RecordedCall[] = [];
  const state: State = { instance, futures: new Map(), logs: logsOf(instance), options };
  const nextFault = faultCounter(options.faults ?? []);
  let open = 0;
  let peak = 0;

  const respond = async (request: IncomingMessage): Promise<Answer | string | null> => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const base = BASES.find((one) => url.pathname.startsWith(`${one}/`));
    const raw = await bodyOf(request);
    if (base === undefined) return refused(404, `Not found: ${url.pathname}`);
    const method = request.method ?? 'GET';
    const path = url.pathname.slice(base.length);
    let body: Json = null;
    try {
      if (raw !== '') body = JSON.parse(raw) as Json;
    } catch {
      return refused(400, 'Not JSON');
    }
    const call = { method, path, query: Object.fromEntries(url.searchParams), body };
    calls.push(call);
    const given = `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`;
    if (request.headers.authorization !== given) return refused(401, 'Unknown API key');
    const fault = nextFault(method, path);
    if (fault === null) return answer(state, call);
    const words = fault.words ?? 'An injected fault';
    if (fault.kind === 'drop') return null;
    if (fault.kind === 'garbage') return '<html>not JSON';
    if (fault.kind === 'message') return { status: 200, body: messages('ERROR', words) };
    return refused(fault.status ?? 500, words);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    open += 1;
    peak = Math.max(peak, open);
    try {
      write(response, await respond(request));
    } catch (error) {
      write(response, refused(500, error instanceof Error ? error.message : String(error)));
    } finally {
      open -= 1;
    }
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => void handle(request, response);
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    apiKey,
    calls,
    peak: () => peak,
    instance: () => state.instance,
    close: async () => {
      for (const future of state.futures.values()) future.abort();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function write(response: ServerResponse, given: Answer | string | null): void {
  if (given === null) return void response.destroy();
  const plain = typeof given === 'string' || given.text === true;
  response.writeHead(typeof given === 'string' ? 200 : given.status, {
    'content-type': plain ? 'text/plain; charset=utf-8' : 'application/json',
  });
  if (typeof given === 'string') return void response.end(given);
  response.end(typeof given.body === 'string' && plain ? given.body : JSON.stringify(given.body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function logsOf(instance: FakeInstance): State['logs'] {
  return new Map(instance.envs.map((env) => [`${env.language}/${env.name}`, { 'build.log': `Log of ${env.name}\n` }]));
}
