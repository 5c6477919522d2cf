/** Which proxy an address is reached through: what was declared, else the usual variables, as curl and pip read them. */
import { isLoopback } from '@rebake/image';
import type { DownloadAccess } from './types.ts';

const DEFAULT_PORT: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Address of the proxy; null: none. This machine is never reached through one. */
export function proxyFor(url: URL, { env, proxy = {} }: Pick<DownloadAccess, 'env' | 'proxy'>): string | null {
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const chosen = proxy[scheme] ?? variable(env, `${scheme}_proxy`) ?? variable(env, 'all_proxy');
  if (chosen === undefined || chosen === '' || isLoopback(url.host)) return null;
  const no = proxy.no ?? variable(env, 'no_proxy') ?? '';
  if (isExcluded(url, no)) return null;
  return chosen.includes('://') ? chosen : `http://${chosen}`;
}

function variable(env: DownloadAccess['env'], name: string): string | undefined {
  return env[name] ?? env[name.toUpperCase()];
}

/** `*`, hosts with everything below them, and each with a port. */
function isExcluded(url: URL, list: string): boolean {
  const host = url.hostname.toLowerCase();
  const port = url.port === '' ? DEFAULT_PORT[url.protocol] : url.port;
  return list
    .split(/[\s,]+/)
    .filter((one) => one !== '')
    .some((one) => {
      if (one === '*') return true;
      const [, name = '', wantedPort] = /^(.*?)(?::(\d+))?$/.exec(one.toLowerCase()) ?? [];
      if (wantedPort !== undefined && wantedPort !== port) return false;
      const domain = name.replace(/^\*?\./, '');
      return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
    });
}
