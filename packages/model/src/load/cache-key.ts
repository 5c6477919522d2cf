/** Tells what was kept by this code from what other code kept: that may mean something else. */
import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { SCHEMA_VERSION } from '../schema-words.ts';

/** A text that changes with the code of this package. `format` is that of what is kept. */
export function cacheKey(format: string): string {
  const { filename, dirname: folder } = import.meta;
  // Bundled into one file, that one counts; else all modules of the package, which is what its developers run.
  const apart = statSync(join(folder, `../schema${extname(filename)}`), { throwIfNoEntry: false }) !== undefined;
  const files = apart
    ? readdirSync(join(folder, '..'), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, '..', name))
    : [filename];
  return `${format} schema ${SCHEMA_VERSION} code ${files.map(stampOf).join(' ')}`;
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '-' : `${stat.size} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.ino} ${stat.mode}`;
}
