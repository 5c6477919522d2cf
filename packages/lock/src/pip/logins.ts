/** Logins for package indexes and for the files that they lead to: from wherever pip and uv would have them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Env, Login } from '@rebake/cache';
import { runTool } from '../run.ts';
import { homeOf } from '../home.ts';
import { UV_INDEX_VARIABLES } from './indexes.ts';
import { readNetrc } from './netrc.ts';
import { readPipSettings, type PipSettings } from './settings.ts';

/** Says the login for an address; null: none. */
export type Logins = (url: URL) => Promise<Login | null>;

/** Where logins are looked for. */
export interface LoginPlace {
  readonly env: Env;
  /** Content of a `pip.conf` that the declaration names; null: none. */
  readonly pipConfig: string | null;
}

/** An index whose address, or a variable beside it, holds a login. */
interface KnownIndex {
  readonly url: URL;
  readonly username: string;
  /** Null: the keyring has it. */
  readonly password: string | null;
}

/**
 * Logins as pip and uv have them: in the addresses of indexes (config files and variables of both), in uv's variables for named indexes, in
 * netrc, and in the user's keyring where it is switched on. Files are read once, when first asked.
 */
export function pipLogins(place: LoginPlace): Logins {
  let known: Promise<Sources> | null = null;
  return async (url) => {
    const sources = await (known ??= readSources(place));
    const index = nearest(sources.indexes, url);
    if (index !== null && index.password !== null) return { username: index.username, password: index.password };
    const host = sources.netrc.get(url.hostname.toLowerCase()) ?? (index === null ? sources.netrc.get('') : undefined);
    if (host !== undefined && (index === null || index.username === host.username)) return host;
    return index === null || !sources.keyring ? null : askKeyring(index, place.env);
  };
}

interface Sources {
  readonly indexes: readonly KnownIndex[];
  readonly netrc: ReadonlyMap<string, Login>;
  readonly keyring: boolean;
}

async function readSources({ env, pipConfig }: LoginPlace): Promise<Sources> {
  const home = homeOf(env);
  const pip = await readPipSettings({ env, home, first: pipConfig });
  const file = env['NETRC'] ?? (home === null ? null : join(home, '.netrc'));
  const text = file === null ? null : await readFile(file, 'utf8').catch(() => null);
  return {
    indexes: [...addresses(pip), ...uvAddresses(env)].flatMap((address) => knownIndex(address, env)),
    netrc: text === null ? new Map() : readNetrc(text),
    keyring: [pip.keyring, env['UV_KEYRING_PROVIDER']].includes('subprocess'),
  };
}

function addresses(pip: PipSettings): readonly string[] {
  return [...(pip.indexUrl === null ? [] : [pip.indexUrl]), ...pip.extraIndexUrls, ...pip.findLinks];
}

/** Addresses in uv's variables; `NAME=ADDRESS` where an index has a name. */
export function uvAddresses(env: Env): readonly string[] {
  return UV_INDEX_VARIABLES.flatMap((name) => (env[name] ?? '').split(/[\s,]+/)).filter((word) => word !== '');
}

function knownIndex(address: string, env: Env): readonly KnownIndex[] {
  const [, name, bare = address] = /^([A-Za-z0-9._-]+)=(.+)$/.exec(address) ?? [];
  const url = URL.parse(bare);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return [];
  const variable = name?.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  const username =
    decoded(url.username) || (variable === undefined ? '' : (env[`UV_INDEX_${variable}_USERNAME`] ?? ''));
  const password =
    decoded(url.password) || (variable === undefined ? '' : (env[`UV_INDEX_${variable}_PASSWORD`] ?? ''));
  if (username === '' && password === '') return [];
  return [{ url, username, password: password === '' && !/:[^/]*@/.test(bare) ? null : password }];
}

/** The index of the same origin whose path an address shares most of. */
function nearest(indexes: readonly KnownIndex[], url: URL): KnownIndex | null {
  let best: KnownIndex | null = null;
  let most = -1;
  for (const index of indexes) {
    if (index.url.origin !== url.origin) continue;
    const shared = sharedSegments(index.url.pathname, url.pathname);
    if (shared <= most) continue;
    best = index;
    most = shared;
  }
  return best;
}

function sharedSegments(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  let n = 0;
  while (n < left.length && left[n] === right[n]) n++;
  return n;
}

/** Pip's own way to a keyring: the command of that name, first for the whole address, then for its host. */
async function askKeyring({ url, username }: KnownIndex, env: Env): Promise<Login | null> {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  for (const service of [bare.href, url.host]) {
    const ran = await runTool('keyring', ['get', service, username], { env }).catch(() => null);
    const password = ran?.code === 0 ? ran.stdout.replace(/\r?\n$/, '') : '';
    if (password !== '') return { username, password };
  }
  return null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
