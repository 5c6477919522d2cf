/** HTTP connections to an engine, by whatever means it is reached. */
import type { Duplex } from 'node:stream';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { inspect } from 'node:util';
import { showEndpoint } from './engine-endpoint.ts';
import type { EngineEndpoint } from './engine-endpoint.ts';
import { failure } from './failures.ts';
import { sshCommandDuplex } from './ssh.ts';

/** A request that is made on a connection of its own. */
export interface EngineRequest {
  readonly method: string;
  readonly path: string;
  /** A header with several values is sent several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** The request fails when there is no answer after so many milliseconds. Default: it waits. */
  readonly withinMs?: number;
}

/** The engine answered a request to turn the connection into another one as if it were an ordinary request. */
export class NotUpgraded extends Error {
  /** Its answer; whoever catches this reads or destroys it. */
  readonly response: IncomingMessage;
  constructor(response: IncomingMessage) {
    super(`answered with HTTP ${response.statusCode}`);
    this.name = 'NotUpgraded';
    this.response = response;
  }
}

/** Each connection by ssh is a process and a login, of which servers take no more than ten at once. */
const LOGINS_AT_ONCE = 6;

/**
 * Connections to an engine that are kept between requests, until {@link HttpAgent.destroy}. By ssh there are no more than six at once, and
 * requests wait for each other; `unbounded`: for requests that may take long, and of which there are few.
 */
export function agentFor(endpoint: EngineEndpoint, { unbounded = false } = {}): HttpAgent {
  const agent = makeAgent(endpoint, unbounded ? Infinity : LOGINS_AT_ONCE);
  // dockerode's client formats the options of every request in full, for a debug line that nobody sees. Of an agent with all that hangs on
  // it, this took 20 ms a build.
  Object.defineProperty(agent, inspect.custom, { value: () => 'Agent' });
  return agent;
}

function makeAgent(endpoint: EngineEndpoint, logins: number): HttpAgent {
  if (endpoint.kind === 'ssh') return new CommandAgent(endpoint, logins);
  if (endpoint.kind === 'tcp' && endpoint.tls) return new HttpsAgent({ keepAlive: true, ...endpoint.tls });
  return new HttpAgent({ keepAlive: true });
}

type SshEndpoint = Extract<EngineEndpoint, { kind: 'ssh' }>;

class CommandAgent extends HttpAgent {
  readonly #endpoint: SshEndpoint;

  constructor(endpoint: SshEndpoint, logins: number) {
    super({ keepAlive: true, maxSockets: logins });
    this.#endpoint = endpoint;
  }

  override createConnection(): Duplex {
    return dial(this.#endpoint);
  }
}

function dial({ target, remote, ssh }: SshEndpoint): Duplex {
  return sshCommandDuplex(target, remote, ssh);
}

/** Begins a request on a connection of its own; the caller sends the body and ends it. */
export function requestTo(endpoint: EngineEndpoint, request: EngineRequest): ClientRequest {
  const begun = begin(endpoint, request);
  const { withinMs } = request;
  if (withinMs === undefined) return begun;
  const words = `${showEndpoint(endpoint)} has not answered for ${withinMs / 1_000} s`;
  const late = setTimeout(() => begun.destroy(failure('ENGINE_UNREACHABLE', 'backoff', words)), withinMs);
  for (const event of ['response', 'upgrade', 'close']) begun.once(event, () => clearTimeout(late));
  return begun;
}

function begin(endpoint: EngineEndpoint, { method, path, headers }: EngineRequest): ClientRequest {
  const options = { method, path, headers: { ...headers } as Record<string, string | string[]> };
  switch (endpoint.kind) {
    case 'unix':
      return httpRequest({ ...options, agent: false, socketPath: endpoint.socketPath });
    case 'tcp': {
      const { host, port, tls } = endpoint;
      return tls
        ? httpsRequest({ ...options, agent: false, host, port, ...tls })
        : httpRequest({ ...options, agent: false, host, port });
    }
    case 'ssh':
      return httpRequest({ ...options, host: 'engine', createConnection: () => dial(endpoint) });
    default:
      return endpoint satisfies never;
  }
}

/**
 * Asks the engine to turn a connection into one of another protocol, and returns it. Rejects with {@link NotUpgraded} where it does not,
 * and as Node's requests do where there is no connection.
 */
export function upgrade(
  endpoint: EngineEndpoint,
  { headers, ...others }: EngineRequest,
  protocol: 'h2c' | 'tcp',
  body = '',
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const about =
      body === '' ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) };
    const asked = { Connection: 'Upgrade', Upgrade: protocol, ...about, ...headers };
    const request = requestTo(endpoint, { ...others, headers: asked });
    request.once('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once('response', (response) => reject(new NotUpgraded(response)));
    request.once('error', reject);
    request.end(body);
  });
}
