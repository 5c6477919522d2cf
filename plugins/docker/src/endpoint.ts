/** What an endpoint is to dockerode, and to the client of the engine's BuildKit. */
import type { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import { failure, showEndpoint } from '@rebake/sdk/building';
import type { EngineEndpoint } from '@rebake/sdk/building';
import { NotUpgraded, upgrade } from '@rebake/sdk/engine-http';

/** Options of dockerode for requests on an agent's connections. */
export function dockerodeAddress(endpoint: EngineEndpoint, agent: Agent): Dockerode.DockerOptions {
  // What is named here would else come from the environment of the process, where it would win. TLS is the agent's matter.
  const fixed = { agent, pathPrefix: '/', ca: undefined, cert: undefined, key: undefined } as object;
  switch (endpoint.kind) {
    case 'unix':
      return { ...fixed, socketPath: endpoint.socketPath, host: '', protocol: 'http' };
    case 'tcp':
      return { ...fixed, host: endpoint.host, port: endpoint.port, protocol: endpoint.tls ? 'https' : 'http' };
    case 'ssh':
      // The agent knows the way; the name only goes into a header.
      return { ...fixed, host: 'engine', port: 80, protocol: 'http' };
    default:
      return endpoint satisfies never;
  }
}

/** A connection on which the engine is the server (`/grpc`) or the client (`/session`) of HTTP/2. */
export async function buildkitConnection(
  endpoint: EngineEndpoint,
  path: string,
  headers: Readonly<Record<string, string | readonly string[]>>,
): Promise<Duplex> {
  try {
    return await upgrade(endpoint, { method: 'POST', path, headers }, 'h2c');
  } catch (error) {
    if (!(error instanceof NotUpgraded)) throw error;
    error.response.destroy();
    const words = `${showEndpoint(endpoint)} ${error.message} to POST ${path}: this engine offers no BuildKit`;
    throw failure('ENGINE_UNSUPPORTED', 'never', words, error);
  }
}
