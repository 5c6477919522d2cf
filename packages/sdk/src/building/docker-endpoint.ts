/** Which Docker engine is meant: options, environment and contexts, in the order of the docker command. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contextInUse, DEFAULT_CONTEXT, dockerConfigFolder, readContext } from './docker-contexts.ts';
import type { DockerContext } from './docker-contexts.ts';
import { parseEngineHost } from './engine-endpoint.ts';
import type { EngineEndpoint, EngineTls } from './engine-endpoint.ts';
import { failure } from './failures.ts';
import type { SshOptions } from './ssh.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What options may say about an engine; all that they leave out comes from the environment. */
export interface DockerWish {
  /** As in DOCKER_HOST. */
  readonly host?: string;
  /** A name of Docker's contexts; not with `host`. */
  readonly context?: string;
  /** Paths of PEM files; for tcp, in place of those of environment or context. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** For ssh, besides the user's own config. */
  readonly ssh?: Pick<SshOptions, 'config' | 'identity'>;
}

const DEFAULT_SOCKET = 'unix:///var/run/docker.sock';
const DEFAULT_TLS_HOST = 'tcp://localhost:2376';
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/**
 * The engine that the docker command would use: `context`, else `host`, else DOCKER_HOST, else DOCKER_CONTEXT, else the context in use, else
 * the usual socket. Throws `ENGINE_UNREACHABLE` for what cannot be followed, and `CREDENTIALS_CONFIG` for a config file that is broken.
 */
export function resolveDockerEndpoint(wish: DockerWish, env: Environment): EngineEndpoint {
  const isNamed = wish.host !== undefined || Boolean(env['DOCKER_HOST']);
  const context = wish.context ?? (isNamed ? DEFAULT_CONTEXT : contextInUse(env));
  if (context === DEFAULT_CONTEXT) return withoutContext(wish, env);
  const found = readContext(context, env);
  return endpointOf(found.host, tlsOfContext(found), `the Docker context ${context}`, wish, env);
}

function withoutContext(wish: DockerWish, env: Environment): EngineEndpoint {
  const tls = () => tlsOfEnvironment(env);
  if (wish.host !== undefined) return endpointOf(wish.host, tls, 'the option host', wish, env);
  const usual = env['DOCKER_TLS_VERIFY'] || env['DOCKER_TLS'] ? DEFAULT_TLS_HOST : DEFAULT_SOCKET;
  return endpointOf(env['DOCKER_HOST']?.trim() || usual, tls, 'DOCKER_HOST', wish, env);
}

function endpointOf(
  host: string,
  otherTls: () => EngineTls | null,
  from: string,
  wish: DockerWish,
  env: Environment,
): EngineEndpoint {
  const parsed = parseEngineHost(host);
  if ('error' in parsed) throw unusable(`${from} is ${host}; it ${parsed.error}`);
  switch (parsed.kind) {
    case 'unix':
      return parsed;
    case 'tcp': {
      const tls = wish.tls ? { ...readPems(wish.tls), rejectUnauthorized: true } : otherTls();
      return { ...parsed, port: parsed.port ?? (tls ? TLS_PORT : PLAIN_PORT), tls };
    }
    case 'ssh': {
      const { path } = parsed.target;
      const there = path === undefined ? [] : [`--host=unix://${path}`];
      return { ...parsed, remote: ['docker', ...there, 'system', 'dial-stdio'], ssh: { env, ...wish.ssh } };
    }
    default:
      return parsed satisfies never;
  }
}

function tlsOfContext({ tls, skipTlsVerify }: DockerContext): () => EngineTls | null {
  return () => (tls || skipTlsVerify ? { ...tls, rejectUnauthorized: !skipTlsVerify } : null);
}

function tlsOfEnvironment(env: Environment): EngineTls | null {
  if (!env['DOCKER_TLS_VERIFY'] && !env['DOCKER_TLS']) return null;
  const folder = env['DOCKER_CERT_PATH'] || dockerConfigFolder(env);
  // An authority is needed; a certificate of our own is used where there is one.
  const own = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const there = Object.entries(own).filter(([, file]) => existsSync(file));
  const files = { ca: join(folder, 'ca.pem'), ...Object.fromEntries(there) };
  return { ...readPems(files), rejectUnauthorized: Boolean(env['DOCKER_TLS_VERIFY']) };
}

function readPems(files: Readonly<Record<string, string>>): { readonly [name: string]: Buffer } {
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, readPem(file)]));
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw unusable(`cannot read ${file}, which the TLS connection to the engine needs`, cause);
  }
}

function unusable(words: string, cause?: unknown): Error {
  return failure('ENGINE_UNREACHABLE', 'never', words, cause);
}
