/** Docker's contexts: named engines in the folder of the docker command's config. Other programs write there, so all of it is checked. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { failure } from './failures.ts';
import { isRecord } from './json-lines.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a context says about its engine. */
export interface DockerContext {
  /** As in DOCKER_HOST; the docker command checks it only when it is used. */
  readonly host: string;
  /** Whether the engine's certificate is not to be checked. */
  readonly skipTlsVerify: boolean;
  /** Contents of its PEM files, where it has any. */
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | null;
}

/** The name that stands for what options and environment say, and for no context. */
export const DEFAULT_CONTEXT = 'default';

/** Whether the docker command would take it as the name of a context. */
export function isContextName(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/.test(text);
}

/** The folder of the docker command's config. */
export function dockerConfigFolder(env: Environment): string {
  return env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker');
}

/** The context in use where neither options nor DOCKER_HOST name an engine: that of DOCKER_CONTEXT, else of the config file. */
export function contextInUse(env: Environment): string {
  return env['DOCKER_CONTEXT'] || currentContext(join(dockerConfigFolder(env), 'config.json'));
}

function currentContext(file: string): string {
  const name = field(readJson(file), 'currentContext') ?? '';
  if (typeof name !== 'string') throw failure('CREDENTIALS_CONFIG', 'never', `${file}: currentContext is not a name`);
  return name || DEFAULT_CONTEXT;
}

/** Reads a context. Throws `ENGINE_UNREACHABLE` where there is none of that name, or none that names a Docker engine. */
export function readContext(name: string, env: Environment): DockerContext {
  if (!isContextName(name)) throw unusable(`${JSON.stringify(name)} cannot be the name of a Docker context`);
  const store = join(dockerConfigFolder(env), 'contexts');
  // Names can hold signs that folders cannot.
  const id = createHash('sha256').update(name).digest('hex');
  const file = join(store, 'meta', id, 'meta.json');
  const meta = readJson(file);
  if (meta === null)
    throw unusable(`there is no Docker context ${name} in ${store} (\`docker context ls\` lists them)`);
  const endpoint = field(field(meta, 'Endpoints'), 'docker');
  const host = field(endpoint, 'Host');
  if (typeof host !== 'string' || host === '')
    throw unusable(`the Docker context ${name} names no Docker engine (${file})`);
  return {
    host,
    skipTlsVerify: field(endpoint, 'SkipTLSVerify') === true,
    tls: readTls(join(store, 'tls', id, 'docker')),
  };
}

function readTls(folder: string): DockerContext['tls'] {
  const files = {
    ca: readIfThere(join(folder, 'ca.pem')),
    cert: readIfThere(join(folder, 'cert.pem')),
    key: readIfThere(join(folder, 'key.pem')),
  };
  const { ca, cert, key } = files;
  if (!ca && !cert && !key) return null;
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
}

/** Null where there is no such file. */
function readJson(file: string): unknown {
  const bytes = readIfThere(file);
  if (!bytes) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString().replace(/^\uFEFF/, ''));
    return value;
  } catch {
    // Without the cause: a parser's message quotes the text, and logins stand in it.
    throw failure('CREDENTIALS_CONFIG', 'never', `${file}: is not JSON`);
  }
}

function readIfThere(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return null;
    throw unusable(`cannot read ${file}`, cause);
  }
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function unusable(words: string, cause?: unknown): Error {
  return failure('ENGINE_UNREACHABLE', 'never', words, cause);
}
