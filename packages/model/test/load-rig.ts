/** A project folder for tests: files by path, loaded with a real hasher. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createFileHasher } from '@rebake/image';
import type { Diagnostic } from '@rebake/sdk';
import { load, loadCached, readDeclaration, type Declaration, type LoadOutcome } from '../src/index.ts';

/** A folder that is removed at the end of a test. */
export interface Folder {
  readonly root: string;
  readonly path: (name: string) => string;
  write(files: Readonly<Record<string, string | Uint8Array>>): void;
  remove(name: string): void;
  load(file?: string): Promise<LoadOutcome>;
  /** Loads with a cache, `seconds` after now. */
  loadLater(seconds: number): Promise<LoadOutcome>;
  /** Reads all the way, with the same cache. */
  readLater(seconds: number): Promise<Declaration>;
  [Symbol.dispose](): void;
}

/** Makes a folder with files in it. */
export function folder(files: Readonly<Record<string, string | Uint8Array>> = {}): Folder {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rebake-model-')));
  const hasher = (): ReturnType<typeof createFileHasher> => createFileHasher({ cacheFile: null, now: Date.now });
  const cached = (seconds: number): Parameters<typeof loadCached>[0] => ({
    cwd: root,
    hasher: hasher(),
    cacheDir: join(root, '.rebake/cache'),
    now: () => Date.now() + seconds * 1000,
  });
  const made: Folder = {
    root,
    path: (name) => join(root, name),
    write(more) {
      for (const [name, content] of Object.entries(more)) {
        mkdirSync(dirname(join(root, name)), { recursive: true });
        writeFileSync(join(root, name), content);
      }
    },
    remove: (name) => rmSync(join(root, name)),
    load: (file) => load({ cwd: root, hasher: hasher(), ...(file === undefined ? {} : { file }) }),
    loadLater: (seconds) => loadCached(cached(seconds)),
    readLater: (seconds) => readDeclaration(cached(seconds)),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
  made.write(files);
  return made;
}

/** Diagnostics as `LINE:COLUMN CODE`, sorted by place as they come. */
export function brief(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ code, where }) => `${where === null ? '-' : `${where.line}:${where.column}`} ${code}`);
}
