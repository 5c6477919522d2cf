/** Folders for tests, removed with `using`. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder with files. */
export interface Place extends Disposable {
  readonly dir: string;
  path(name: string): string;
  write(name: string, content: string | Uint8Array, mode?: number): string;
}

/** Makes a folder with these files. */
export function place(files: Readonly<Record<string, string>> = {}): Place {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'rebake-lock-')));
  const path = (name: string): string => join(dir, name);
  const write: Place['write'] = (name, content, mode) => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), content);
    if (mode !== undefined) chmodSync(path(name), mode);
    return path(name);
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  return { dir, path, write, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}
