/** What pip's configuration, the declaration and the platform mean for uv: its environment and its arguments. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Env } from '@rebake/cache';
import type { Platform } from '@rebake/image';
import { homeOf } from '../home.ts';
import { UV_INDEX_VARIABLES, uvNamesIndexes } from '../pip/indexes.ts';
import type { PipSettings } from '../pip/settings.ts';
import type { IndexAccess } from '../types.ts';

/** Bundles of the authorities that a system trusts, as distributions have them. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
/** Minor versions of glibc that uv resolves for, ascending; for others, the next lower one. */
const GLIBC_MINORS = [17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40];
const MACHINES: Readonly<Record<Platform, string>> = { 'linux/amd64': 'x86_64', 'linux/arm64': 'aarch64' };

/** What uv is run with, beside the requirements. */
export interface UvSetting {
  /** The whole environment of the process. Logins go this way and no other. */
  readonly env: Env;
  readonly args: readonly string[];
  /** Whether there are several indexes. */
  readonly several: boolean;
  /** Whether the user has told uv how it takes versions from several indexes. */
  readonly hasStrategy: boolean;
}

/** Makes the setting. `folder`: for a bundle of authorities, where one has to be put together. */
export async function uvSetting(base: Env, pip: PipSettings, access: IndexAccess, folder: string): Promise<UvSetting> {
  const own = base;
  const env: Record<string, string | undefined> = { ...base };
  // The user's own setting for uv goes before what pip's configuration means for it.
  const set = (name: string, value: string | null): void => {
    if (value !== null && value !== '' && (own[name] ?? '') === '') env[name] = value;
  };
  const declared = access.pipConfig !== null;
  if (declared) for (const name of UV_INDEX_VARIABLES) delete env[name];
  const indexes = declared || (!uvNamesIndexes(own) && !(await uvConfigNamesIndexes(own)));
  if (indexes) {
    env['UV_DEFAULT_INDEX'] = pip.indexUrl ?? undefined;
    env['UV_INDEX'] = pip.extraIndexUrls.join(' ') || undefined;
    env['UV_FIND_LINKS'] = pip.findLinks.join(',') || undefined;
  }
  set('UV_INSECURE_HOST', pip.trustedHosts.join(' '));
  set('UV_KEYRING_PROVIDER', pip.keyring === 'subprocess' ? 'subprocess' : null);
  set('UV_HTTP_TIMEOUT', pip.timeout === null ? null : String(pip.timeout));
  set('SSL_CLIENT_CERT', pip.clientCert);
  set('UV_PYTHON_DOWNLOADS', 'never');
  if (pip.proxy !== null) for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) setBoth(env, own, name, pip.proxy);
  const { http, https, no } = access.proxy ?? {};
  force(env, 'HTTP_PROXY', http);
  force(env, 'HTTPS_PROXY', https);
  force(env, 'NO_PROXY', no);
  await trust(env, own, pip, access, folder);
  const several = env['UV_INDEX'] ?? env['UV_EXTRA_INDEX_URL'] ?? '';
  return {
    env,
    several: several !== '',
    hasStrategy: (own['UV_INDEX_STRATEGY'] ?? '') !== '' || (await uvConfigText(own)).includes('index-strategy'),
    args: [
      ...(indexes && pip.noIndex ? ['--no-index'] : []),
      ...(pip.pre ? ['--prerelease', 'allow'] : []),
      ...pip.noBinary.flatMap((name) => ['--no-binary', name]),
      ...pip.onlyBinary.flatMap((name) => ['--only-binary', name]),
    ],
  };
}

/** uv's name of a platform. */
export function uvPlatform(platform: Platform, glibc: string): string {
  const minor = Number(glibc.slice('2.'.length));
  const floor = GLIBC_MINORS.findLast((one) => one <= minor) ?? GLIBC_MINORS[0];
  return `${MACHINES[platform]}-manylinux_2_${floor}`;
}

/** Authorities: the user's bundle, or pip's, or the system's; those of the declaration on top. */
async function trust(
  env: Record<string, string | undefined>,
  own: Env,
  pip: PipSettings,
  access: IndexAccess,
  folder: string,
): Promise<void> {
  const bundle = [own['SSL_CERT_FILE'], pip.cert, own['REQUESTS_CA_BUNDLE'], own['CURL_CA_BUNDLE']].find(
    (path) => path !== undefined && path !== null && path !== '',
  );
  if (access.ca === null) {
    if (bundle !== undefined && bundle !== null) env['SSL_CERT_FILE'] = bundle;
    else if ((own['SSL_CERT_DIR'] ?? '') === '') {
      // As pip does: a company's authority is in the system's store, not in uv's own.
      env['UV_SYSTEM_CERTS'] ??= 'true';
      env['UV_NATIVE_TLS'] ??= 'true';
    }
    return;
  }
  const base = await firstText(bundle === undefined || bundle === null ? SYSTEM_BUNDLES : [bundle]);
  const path = join(folder, 'ca.pem');
  const text = `${base ?? rootCertificates.join('\n')}\n${Buffer.from(access.ca).toString('utf8')}\n`;
  await writeFile(path, text, { mode: 0o600 });
  env['SSL_CERT_FILE'] = path;
}

async function firstText(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text !== null) return text;
  }
  return null;
}

function setBoth(env: Record<string, string | undefined>, own: Env, name: string, value: string): void {
  if ((own[name] ?? own[name.toLowerCase()] ?? '') === '') force(env, name, value);
}

/** Sets a variable that some programs read in capitals and others in small letters. */
function force(env: Record<string, string | undefined>, name: string, value: string | undefined): void {
  if (value === undefined) return;
  env[name] = value;
  env[name.toLowerCase()] = value;
}

async function uvConfigNamesIndexes(env: Env): Promise<boolean> {
  return /^\s*(?:\[\[(?:pip\.)?index\]\]|(?:extra-)?index-url\s*=|index\s*=|find-links\s*=)/m.test(
    await uvConfigText(env),
  );
}

/** The user's configuration of uv, which uv reads by itself. */
async function uvConfigText(env: Env): Promise<string> {
  const home = homeOf(env);
  const config = env['XDG_CONFIG_HOME'] ?? (home === null ? null : join(home, '.config'));
  const named = env['UV_CONFIG_FILE'] ?? '';
  const paths =
    named === '' ? [...(config === null ? [] : [join(config, 'uv', 'uv.toml')]), '/etc/uv/uv.toml'] : [named];
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')));
  return texts.join('\n');
}
