/** What pip's configuration says about indexes: its files and variables, in its order. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Env } from '@rebake/cache';
import { normalKey, readPipConfig } from './config.ts';

/** What of pip's configuration decides where packages come from, and which. Addresses may hold logins. */
export interface PipSettings {
  readonly indexUrl: string | null;
  readonly extraIndexUrls: readonly string[];
  readonly findLinks: readonly string[];
  readonly noIndex: boolean;
  /** `host` or `host:port`. */
  readonly trustedHosts: readonly string[];
  /** Absolute path of a bundle that replaces the machine's. */
  readonly cert: string | null;
  readonly clientCert: string | null;
  readonly proxy: string | null;
  /** Whole seconds. */
  readonly timeout: number | null;
  readonly keyring: string | null;
  readonly pre: boolean;
  readonly noBinary: readonly string[];
  readonly onlyBinary: readonly string[];
}

/** Sections that count when packages are resolved, weakest first; variables are above both. */
const SECTIONS = ['global', 'install'];

/** Where a user's configuration is. */
export interface PipPlace {
  readonly env: Env;
  /** Home folder; null: none is known. */
  readonly home: string | null;
  /** Content of a config file that goes before everything else; null: none. */
  readonly first: string | null;
}

/** Reads pip's configuration. Files that are missing or cannot be read are none, as for pip. */
export async function readPipSettings({ env, home, first }: PipPlace): Promise<PipSettings> {
  const merged = new Map<string, string>();
  for (const file of await existing(files(env, home))) for (const [key, value] of file) merged.set(key, value);
  const settings = flatten(merged);
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && value !== '' && /^PIP_[A-Z_]+$/.test(name))
      settings.set(normalKey(name.slice(4)), value);
  if (first !== null) for (const [key, value] of flatten(readPipConfig(first))) settings.set(key, value);
  return typed(settings);
}

/** Files, weakest first. */
function files(env: Env, home: string | null): readonly string[] {
  const named = env['PIP_CONFIG_FILE'] ?? '';
  if (named === '/dev/null') return [];
  const folders = (env['XDG_CONFIG_DIRS'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  const system = [
    ...(folders.length === 0 ? ['/etc/xdg'] : folders).reverse().map((folder) => join(folder, 'pip', 'pip.conf')),
    '/etc/pip.conf',
  ];
  const config = env['XDG_CONFIG_HOME'] ?? (home === null ? '' : join(home, '.config'));
  // A file that a variable names stands in for the user's own, and is weaker than the machine's: pip's order.
  const user = named !== '' || home === null ? [] : [join(home, '.pip', 'pip.conf'), join(config, 'pip', 'pip.conf')];
  const venv = env['VIRTUAL_ENV'] ?? '';
  return [...(named === '' ? [] : [named]), ...system, ...user, ...(venv === '' ? [] : [join(venv, 'pip.conf')])];
}

async function existing(paths: readonly string[]): Promise<readonly ReadonlyMap<string, string>[]> {
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => null)));
  return texts.flatMap((text) => (text === null ? [] : [readPipConfig(text)]));
}

function flatten(values: ReadonlyMap<string, string>): Map<string, string> {
  const flat = new Map<string, string>();
  for (const section of SECTIONS)
    for (const [key, value] of values)
      if (key.startsWith(`${section}.`)) flat.set(key.slice(section.length + 1), value);
  return flat;
}

function typed(settings: ReadonlyMap<string, string>): PipSettings {
  const text = (key: string): string | null => {
    const value = settings.get(key)?.trim() ?? '';
    return value === '' ? null : value;
  };
  const list = (key: string): readonly string[] => (text(key) ?? '').split(/\s+/).filter((word) => word !== '');
  const names = (key: string): readonly string[] =>
    list(key)
      .flatMap((word) => word.split(','))
      .filter((word) => word !== '');
  const flag = (key: string): boolean => /^(?:1|y|yes|t|true|on)$/i.test(text(key) ?? '');
  const seconds = Number(text('timeout') ?? text('default-timeout'));
  return {
    indexUrl: text('index-url') ?? text('pypi-url'),
    extraIndexUrls: list('extra-index-url'),
    findLinks: list('find-links'),
    noIndex: flag('no-index'),
    trustedHosts: list('trusted-host'),
    cert: text('cert'),
    clientCert: text('client-cert'),
    proxy: text('proxy'),
    timeout: Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : null,
    keyring: text('keyring-provider'),
    pre: flag('pre'),
    noBinary: names('no-binary'),
    onlyBinary: names('only-binary'),
  };
}
