/** Where the engine is and how to connect to it: options and environment, resolved when the first call is made. */
import type { Duplex } from 'node:stream';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { BuildFailure } from '@rebake/image';
import type { DockerOptions, TlsFiles } from './options.ts';
import { isHost } from './options.ts';

/** Contents of the PEM files. */
export interface Tls {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** An engine's address. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: Tls | null };

const DEFAULT_HOST = 'unix:///var/run/docker.sock';
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/** Resolves options as the `docker` command does with its environment. Throws `ENGINE_UNREACHABLE` for what cannot be followed. */
export function resolveEndpoint(options: DockerOptions, env: Readonly<Record<string, string | undefined>>): Endpoint {
  const host = options.host ?? (env['DOCKER_HOST'] || DEFAULT_HOST);
  if (!isHost(host)) {
    const words = `DOCKER_HOST is ${host}; this builder knows unix:///path and tcp://host[:port]`;
    throw new BuildFailure({ code: 'ENGINE_UNREACHABLE', retry: 'never', words });
  }
  if (host.startsWith('unix://')) return { kind: 'unix', socketPath: host.slice('unix://'.length) };
  const files = options.tls ?? tlsOfEnvironment(env);
  const { hostname, port } = new URL(host);
  return {
    kind: 'tcp',
    // Node takes IPv6 addresses without the brackets of a URL.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (files ? TLS_PORT : PLAIN_PORT) : Number(port),
    tls: files ? readTls(files) : null,
  };
}

function tlsOfEnvironment(env: Readonly<Record<string, string | undefined>>): TlsFiles | null {
  if (!env['DOCKER_TLS_VERIFY']) return null;
  const folder = env['DOCKER_CERT_PATH'] || join(env['HOME'] || homedir(), '.docker');
  return { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
}

function readTls(files: TlsFiles): Tls {
  const read = (file: string) => {
    try {
      return readFileSync(file);
    } catch (cause) {
      const words = `cannot read ${file}, which the TLS connection to the engine needs`;
      throw new BuildFailure({ code: 'ENGINE_UNREACHABLE', retry: 'never', words }, { cause });
    }
  };
  return { ca: read(files.ca), cert: read(files.cert), key: read(files.key) };
}

/** For people. */
export function shown(endpoint: Endpoint): string {
  return endpoint.kind === 'unix' ? `unix://${endpoint.socketPath}` : `tcp://${endpoint.host}:${endpoint.port}`;
}

/** Connections that are kept between requests, until {@link HttpAgent.destroy}. */
export function agentFor(endpoint: Endpoint): HttpAgent {
  const isTls = endpoint.kind === 'tcp' && endpoint.tls !== null;
  const agent = isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  // dockerode's client formats the options of every request in full, for a debug line that nobody sees. Of an agent with all that hangs on
  // it, this took 20 ms a build.
  Object.defineProperty(agent, inspect.custom, { value: () => 'Agent' });
  return agent;
}

/**
 * Asks the engine to turn a connection into an HTTP/2 one in which it is the server (`/grpc`) or the client (`/session`), and returns the
 * connection. A header with several values is sent several times.
 */
export function upgrade(
  endpoint: Endpoint,
  path: string,
  headers: Readonly<Record<string, string | readonly string[]>>,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      path,
      // A connection of its own: it never becomes an ordinary one again.
      agent: false,
      headers: { Connection: 'Upgrade', Upgrade: 'h2c', ...headers } as Record<string, string | string[]>,
      ...(endpoint.kind === 'unix'
        ? { socketPath: endpoint.socketPath }
        : { host: endpoint.host, port: endpoint.port, ...endpoint.tls }),
    };
    const request = endpoint.kind === 'tcp' && endpoint.tls ? httpsRequest(options) : httpRequest(options);
    request.once('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once('response', (response) => {
      response.destroy();
      const words = `${shown(endpoint)} answered POST ${path} with HTTP ${response.statusCode}: this engine offers no BuildKit`;
      reject(new BuildFailure({ code: 'ENGINE_UNSUPPORTED', retry: 'never', words }));
    });
    request.once('error', reject);
    request.end();
  });
}
