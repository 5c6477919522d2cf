/** A project: one config file, the folder it stands in, and its `.rebake` beside it. Opened once for each call of the library. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFileHasher } from '@rebake/image';
import type { Diagnostic, Store } from '@rebake/sdk';
import { cacheStamp, findConfig, readDeclaration, type Declaration } from '@rebake/model';
import { refusalDiagnostic } from './refusals.ts';

/** Where a project is, and what of the process it may use. */
export interface ProjectOptions {
  /** Folder from which the config file is looked for upwards. */
  readonly cwd: string;
  /** Config file, when it is not to be looked for; relative to `cwd`. */
  readonly config?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Milliseconds since the epoch; tests hand in their own clock. */
  readonly now?: () => number;
  /** Source of run ids and of the state's lineage; tests hand in their own. */
  readonly randomId?: () => string;
}

/** An open project. */
export interface Project {
  readonly root: string;
  /** The config file; null when none was found. */
  readonly file: string | null;
  /** `.rebake` in the root; null when no config file was found. */
  readonly dataDir: string | null;
  readonly declaration: Declaration;
  /** Stamp of what was kept of the declaration, taken when it was read. */
  readonly declarationStamp: string;
  readonly now: () => number;
  readonly randomId: () => string;
  /** The state, opened when first asked for. */
  store(): Promise<Store>;
  close(): Promise<void>;
}

/**
 * Opens a project, uses it, and closes it again. A state that cannot be used and a disk that refuses are no bugs: they end in `refused`, with a
 * diagnostic.
 */
export async function withProject<T>(
  options: ProjectOptions,
  refused: (diagnostics: readonly Diagnostic[]) => T,
  use: (project: Project) => Promise<T>,
): Promise<T> {
  try {
    const project = await openProject(options);
    try {
      return await use(project);
    } finally {
      await project.close();
    }
  } catch (error) {
    const diagnostic = refusalDiagnostic(error);
    if (diagnostic === null) throw error;
    return refused([diagnostic]);
  }
}

/** Finds and reads the declaration. Never throws for what a user wrote: that is in `declaration.diagnostics`. */
async function openProject(options: ProjectOptions): Promise<Project> {
  const found = findConfig(options.cwd, options.config);
  const now = options.now ?? Date.now;
  const randomId = options.randomId ?? randomUUID;
  if (!found.ok) {
    const declaration: Declaration = { expansion: null, diagnostics: [found.diagnostic] };
    return {
      root: options.cwd,
      file: null,
      dataDir: null,
      declarationStamp: '',
      declaration,
      now,
      randomId,
      store: noStore,
      close: async () => {},
    };
  }
  const { file, root } = found;
  const dataDir = join(root, '.rebake');
  const cacheDir = join(dataDir, 'cache');
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  const hasher = createFileHasher({ cacheFile: join(cacheDir, 'files.json'), now });
  const declaration = await readDeclaration({ file, cwd: options.cwd, hasher, cacheDir, now });
  const declarationStamp = cacheStamp(cacheDir);
  hasher.save();
  let store: Promise<Store> | null = null;
  return {
    root,
    file,
    dataDir,
    declaration,
    declarationStamp,
    now,
    randomId,
    store: () => (store ??= open(dataDir, now, randomId)),
    close: async () => {
      if (store !== null) await (await store).close();
    },
  };
}

async function open(dataDir: string, now: () => number, randomId: () => string): Promise<Store> {
  const { openStore } = await import('@rebake/engine');
  return openStore(join(dataDir, 'state.db'), { now, random: randomId });
}

function noStore(): Promise<Store> {
  throw new Error('a project without a declaration has no state');
}

/** Whether any diagnostic is an error. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}
