/** Scripts of a wheel: those made from its entry points, and the first line of those that it brings. */
import { compareBytes } from '@rebake/image';
import { checkPath } from './paths.ts';

/** An entry point that becomes a script. */
export interface EntryPoint {
  /** Of the script. */
  readonly name: string;
  readonly module: string;
  /** What is called there, such as `main` or `App.main`. */
  readonly call: string;
}

const TARGET = /^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*:\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*(?:\[.*\])?$/u;

/**
 * Scripts of `entry_points.txt`, for consoles and for windows, sorted by name. `invalid`: a line that cannot be one, or whose name leads out of
 * its folder.
 */
export function entryPoints(text: string): { readonly points: readonly EntryPoint[]; readonly invalid: string | null } {
  const points = new Map<string, EntryPoint>();
  let section = '';
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.startsWith('[') && line.endsWith(']')) {
      section = line.slice(1, -1).trim();
      continue;
    }
    if (section !== 'console_scripts' && section !== 'gui_scripts') continue;
    const equals = line.indexOf('=');
    const name = line.slice(0, equals).trim();
    const match = TARGET.exec(line.slice(equals + 1).trim());
    const [, module, call] = match ?? [];
    if (equals < 1 || module === undefined || call === undefined || name.includes('/') || checkPath(name) !== null) {
      return { points: [], invalid: line };
    }
    if (!points.has(name)) points.set(name, { name, module, call });
  }
  return { points: [...points.values()].toSorted((a, b) => compareBytes(a.name, b.name)), invalid: null };
}

/** A script as uv writes it. */
export function entryPointScript({ module, call }: EntryPoint, python: string): string {
  const [first = ''] = call.split('.');
  return `${shebang(python)}
# -*- coding: utf-8 -*-
import sys
from ${module} import ${first}
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit(${call}())
`;
}

/** Longest line that every kernel reads. */
const MAX_SHEBANG = 127;

/** First line of a script for an interpreter; kernels split it at spaces and cut it when it is long, so that the shell has to help then. */
export function shebang(python: string): string {
  if (!python.includes(' ') && Buffer.byteLength(python) + 3 <= MAX_SHEBANG) return `#!${python}`;
  const quoted = python.replaceAll('\\', '\\\\').replaceAll("'", "'\"'\"'");
  return `#!/bin/sh\n'''exec' '${quoted}' "$0" "$@"\n' '''`;
}

/** Content of a script that a wheel brings: `#!python` (or `#!pythonw`) becomes the environment's; null: it is another kind of file. */
export function rewritten(script: Uint8Array, python: string): Buffer | null {
  const bytes = Buffer.from(script.buffer, script.byteOffset, script.byteLength);
  const match = /^#!python(?:w)?(?=[ \t\r\n]|$)/.exec(bytes.subarray(0, 16).toString('latin1'));
  if (match === null) return null;
  const end = bytes.indexOf(0x0a);
  return Buffer.concat([Buffer.from(`${shebang(python)}\n`), end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 1)]);
}
