/** Options among requirement lines: what of them is for uv's arguments and environment, and the lines that are left. */
import type { Logins } from '../pip/logins.ts';
import type { UvSetting } from './environment.ts';

/** Options that uv takes as arguments; the other ones it reads itself, or has no use for. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  '--pre': ['--prerelease', 'allow'],
  '--prefer-binary': [],
};
const INDEX = '--index-url ';
const EXTRA = '--extra-index-url ';

/** Requirement lines as uv is given them. */
export interface ReadLines {
  readonly lines: readonly string[];
  readonly setting: UvSetting;
}

/**
 * Takes options out of requirement lines. An index of the lines stands in for those of the configuration, as for pip, which uv would ask first. Lines
 * hold no login; where the user has one for the address, it goes with it by the environment.
 */
export async function readLines(
  requirements: readonly string[],
  setting: UvSetting,
  login: Logins,
): Promise<ReadLines> {
  const lines: string[] = [];
  const args = [...setting.args];
  const env = { ...setting.env };
  const extra: string[] = [];
  let index: string | null = null;
  for (const line of requirements) {
    if (Object.hasOwn(ARGUMENTS, line)) args.push(...(ARGUMENTS[line] ?? []));
    else if (line.startsWith(INDEX)) index = await withLogin(line.slice(INDEX.length), login);
    else if (line.startsWith(EXTRA)) extra.push(await withLogin(line.slice(EXTRA.length), login));
    else lines.push(line);
  }
  if (index !== null) {
    for (const name of ['UV_INDEX_URL', 'UV_EXTRA_INDEX_URL', 'UV_INDEX']) delete env[name];
    env['UV_DEFAULT_INDEX'] = index;
  }
  if (extra.length > 0) env['UV_INDEX'] = [env['UV_INDEX'] ?? '', ...extra].join(' ').trim();
  const several = (env['UV_INDEX'] ?? env['UV_EXTRA_INDEX_URL'] ?? '') !== '';
  return { lines, setting: { ...setting, env, args, several } };
}

async function withLogin(address: string, login: Logins): Promise<string> {
  const url = URL.parse(address);
  const found = url === null ? null : await login(url);
  if (url === null || found === null) return address;
  url.username = encodeURIComponent(found.username);
  url.password = encodeURIComponent(found.password);
  return url.href;
}
