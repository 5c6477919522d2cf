/** Where the cache of a user is. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Env } from './types.ts';

/** `REBAKE_CACHE_DIR`, else `$XDG_CACHE_HOME/rebake`, else `~/.cache/rebake`; absolute. */
export function cacheDir(env: Env): string {
  const own = env['REBAKE_CACHE_DIR'];
  if (own !== undefined && own !== '') return resolve(own);
  const xdg = env['XDG_CACHE_HOME'];
  // The specification has relative paths ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'rebake');
  const home = env['HOME'];
  return join(home !== undefined && isAbsolute(home) ? home : homedir(), '.cache', 'rebake');
}
