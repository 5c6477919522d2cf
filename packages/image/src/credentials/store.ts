/** Logins for registries from the user's docker config: entries in the file itself, and credential helpers. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BuildFailure, type Credentials } from '../types.ts';

/** Asks for the login of a registry host; null: none, go on anonymously. Rejects with a `BuildFailure` when the config or a helper is broken. */
export type CredentialStore = (host: string) => Promise<Credentials | null>;

/**
 * Login of the user for `host[:port]`. A helper named for the host in `credHelpers` goes first, then `credsStore`, then `auths`, as for
 * Docker. Answers are kept for as long as the store lives; failures are not. The config is read when the first login is asked for.
 */
export function createCredentialStore(options: {
  /** Default: $DOCKER_CONFIG, else ~/.docker. */
  readonly configDir?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): CredentialStore {
  const { env } = options;
  const directory = options.configDir ?? (env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'));
  const file = join(directory, 'config.json');
  let config: DockerConfig | undefined;
  const known = new Map<string, Promise<Credentials | null>>();

  async function find(host: string): Promise<Credentials | null> {
    config ??= readConfig(file);
    const helper = config.credHelpers.get(host) ?? config.credsStore;
    if (helper !== undefined) {
      const { askHelper } = await import('./helper.ts');
      const login = await askHelper(helper, host, env);
      if (login !== null) return login;
    }
    return config.auths.get(host) ?? null;
  }

  return async (host) => {
    const before = known.get(host);
    if (before !== undefined) return before;
    const login = find(host);
    known.set(host, login);
    login.catch(() => known.delete(host));
    return login;
  };
}

interface DockerConfig {
  readonly auths: ReadonlyMap<string, Credentials>;
  readonly credHelpers: ReadonlyMap<string, string>;
  readonly credsStore?: string;
}

function readConfig(file: string): DockerConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return { auths: new Map(), credHelpers: new Map() };
    }
    throw broken(file, 'cannot be read', error);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // Without the cause: a parser's message quotes the text, and secrets stand in it.
    throw broken(file, 'is not JSON');
  }
  const config = record(parsed, file, 'the file');
  const credsStore = config['credsStore'];
  if (credsStore !== undefined && typeof credsStore !== 'string') throw broken(file, 'credsStore is not a text');
  return {
    auths: authsOf(record(config['auths'] ?? {}, file, 'auths'), file),
    credHelpers: helpersOf(record(config['credHelpers'] ?? {}, file, 'credHelpers'), file),
    ...(credsStore ? { credsStore } : {}),
  };
}

function helpersOf(entries: Record<string, unknown>, file: string): ReadonlyMap<string, string> {
  const helpers = new Map<string, string>();
  for (const [host, helper] of Object.entries(entries)) {
    if (typeof helper !== 'string') throw broken(file, `credHelpers: ${host} is not a text`);
    helpers.set(hostOf(host), helper);
  }
  return helpers;
}

function authsOf(entries: Record<string, unknown>, file: string): ReadonlyMap<string, Credentials> {
  const auths = new Map<string, Credentials>();
  for (const [key, value] of Object.entries(entries)) {
    const login = loginOf(record(value, file, `auths: ${key}`), file, key);
    // An entry for exactly the host wins over one that only normalizes to it.
    if (login !== null && (key === hostOf(key) || !auths.has(hostOf(key)))) auths.set(hostOf(key), login);
  }
  return auths;
}

function loginOf(entry: Record<string, unknown>, file: string, key: string): Credentials | null {
  const { identitytoken, auth, username, password } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '') return { identityToken: identitytoken };
  if (typeof auth === 'string' && auth !== '') {
    const decoded = Buffer.from(auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 1) throw broken(file, `auths: ${key}: auth is not base64 of USER:PASSWORD`);
    // Docker writes a trailing zero byte in some versions, and ignores it.
    return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
  }
  if (typeof username === 'string' && username !== '' && typeof password === 'string') return { username, password };
  return null;
}

/** Keys are hosts, or, from old clients, addresses such as `https://HOST/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function record(value: unknown, file: string, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(file, `${at} is not an object`);
  return value as Record<string, unknown>;
}

function broken(file: string, what: string, cause?: unknown): BuildFailure {
  return new BuildFailure({ code: 'CREDENTIALS_CONFIG', retry: 'never', words: `${file}: ${what}` }, { cause });
}
