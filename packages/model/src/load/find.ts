/** Finds the config file: as named, or the nearest one upwards. */
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Diagnostic } from '@rebake/sdk';
import { diagnostic } from '../diagnostic-codes.ts';

/** File names that are looked for in each folder, in this order. */
export const CONFIG_NAMES = ['rebake.config.ts', 'rebake.config.mts', 'rebake.yaml', 'rebake.yml'] as const;

/** Folder of rebake's own files beside the config: it changes with each run and never counts. */
export const OWN_FOLDER = '.rebake';

/** A config file with the folder that its paths are relative to, or why there is none. */
export type FoundConfig =
  | { readonly ok: true; readonly file: string; readonly root: string }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

/** Finds the config file; `named` (relative to `cwd`) is taken as it is, else the folders from `cwd` upwards are looked through. */
export function findConfig(cwd: string, named?: string): FoundConfig {
  if (named !== undefined) {
    const file = resolve(cwd, named);
    if (isFile(file)) return { ok: true, file, root: dirname(file) };
    return { ok: false, diagnostic: diagnostic('CONFIG_NOT_FOUND', `There is no file \`${named}\``, null) };
  }
  let folder = resolve(cwd);
  for (;;) {
    for (const name of CONFIG_NAMES) {
      const file = join(folder, name);
      if (isFile(file)) return { ok: true, file, root: folder };
    }
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  const message = `There is no ${CONFIG_NAMES.map((name) => `\`${name}\``).join(', ')} in \`${cwd}\` or above`;
  return { ok: false, diagnostic: diagnostic('CONFIG_NOT_FOUND', message, null) };
}

/** Whether a config is TypeScript, and so has to be run to be read. */
export function isTypeScript(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file);
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    // A folder on the way that cannot be entered: nothing of ours is there.
    return false;
  }
}
