/** The indexes that a user has, in the order in which they are asked. */
import type { Env } from '@rebake/cache';
import { runTool } from '../run.ts';
import type { PipSettings } from './settings.ts';

/** The variables by which uv is told its indexes. */
export const UV_INDEX_VARIABLES = [
  'UV_DEFAULT_INDEX',
  'UV_INDEX_URL',
  'UV_INDEX',
  'UV_EXTRA_INDEX_URL',
  'UV_FIND_LINKS',
];

/** Whether uv's own variables name indexes: pip's are then not for it. */
export function uvNamesIndexes(env: Env): boolean {
  return UV_INDEX_VARIABLES.some((name) => (env[name] ?? '') !== '');
}

/** Addresses of indexes; they may hold logins. Empty: none is configured, and nothing on this machine knows the default. */
export async function indexAddresses(pip: PipSettings, env: Env, signal: AbortSignal): Promise<readonly string[]> {
  const [main, more] = uvNamesIndexes(env)
    ? [named(env, 'UV_DEFAULT_INDEX', 'UV_INDEX_URL')[0] ?? null, named(env, 'UV_INDEX', 'UV_EXTRA_INDEX_URL')]
    : pip.noIndex
      ? [null, []]
      : [pip.indexUrl, pip.extraIndexUrls];
  const first = main ?? (pip.noIndex ? null : await defaultIndex(env, signal));
  return [...(first === null ? [] : [first]), ...more].filter((url) => URL.canParse(url));
}

function named(env: Env, ...variables: readonly string[]): readonly string[] {
  return variables
    .flatMap((name) => (env[name] ?? '').split(/\s+/))
    .filter((word) => word !== '')
    .map((word) => word.replace(/^[A-Za-z0-9._-]+=/, ''));
}

/** The index that pip takes when nobody says otherwise: pip knows it, and distributions change it. Null: there is no pip. */
async function defaultIndex(env: Env, signal: AbortSignal): Promise<string | null> {
  const ask = 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)';
  for (const python of ['python3', 'python']) {
    try {
      const { code, stdout } = await runTool(python, ['-c', ask], { env, signal });
      if (code === 0 && URL.canParse(stdout.trim())) return stdout.trim();
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
  return null;
}
