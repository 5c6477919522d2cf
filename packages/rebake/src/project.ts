/** A project: one config file, the folder it stands in, and its `.rebake` beside it. Opened once for each call of the library. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFileHasher } from '@rebake/image';
import { cacheStamp, findConfig, readDeclaration, type Declaration, type DeclaredPlugins } from '@rebake/model';
import type { Diagnostic, Store } from '@rebake/sdk';
import type { Plugins } from './plugins/plugins.ts';
import { Refused, refusalDiagnostics } from './refusals.ts';

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
  /** The plugins that the declaration names; none is loaded before it is needed. */
  readonly plugins: () => Promise<Plugins>;
  /** The state, opened when first asked for. */
  store(): Promise<Store>;
  /** Whether the state is in the file of rebake's own, whose stat says whether it has changed. */
  readonly ownState: boolean;
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
    const diagnostics = refusalDiagnostics(error);
    if (diagnostics === null) throw error;
    return refused(diagnostics);
  }
}

/** The kind of state that rebake has itself. */
const OWN_STATE = 'sqlite';

/** Finds and reads the declaration. Never throws for what a user wrote: that is in `declaration.diagnostics`. */
async function openProject(options: ProjectOptions): Promise<Project> {
  const found = findConfig(options.cwd, options.config);
  const now = options.now ?? Date.now;
  const randomId = options.randomId ?? randomUUID;
  if (!found.ok) return noProject(options.cwd, found.diagnostic, { now, randomId });
  const { file, root } = found;
  const dataDir = join(root, '.rebake');
  const cacheDir = join(dataDir, 'cache');
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  const hasher = createFileHasher({ cacheFile: join(cacheDir, 'files.json'), now });
  let opened: Promise<Plugins> | null = null;
  const plugins = (declared: DeclaredPlugins): Promise<Plugins> =>
    (opened ??= openPlugins(declared, dataDir, { ...options, now, randomId }));
  const declaration = await readDeclaration({ file, cwd: options.cwd, hasher, cacheDir, now, plugins });
  const declarationStamp = cacheStamp(cacheDir);
  hasher.save();
  let store: Promise<Store> | null = null;
  const ownState = declaration.state === null || declaration.state.type === OWN_STATE;
  const project: Project = {
    root,
    file,
    dataDir,
    declaration,
    declarationStamp,
    ownState,
    now,
    randomId,
    plugins: async () => {
      const declared = declaration.plugins();
      if (declared === null) throw new Error('a declaration that nobody understands names no plugins');
      return plugins(declared);
    },
    store: () => (store ??= openState(project, dataDir)),
    close: async () => {
      if (store !== null) await (await store).close();
    },
  };
  return project;
}

function noProject(cwd: string, diagnostic: Diagnostic, rest: Pick<Project, 'now' | 'randomId'>): Project {
  const nothing = (): Promise<never> => {
    throw new Error('a project without a declaration has neither plugins nor a state');
  };
  return {
    root: cwd,
    file: null,
    dataDir: null,
    declarationStamp: '',
    ownState: true,
    declaration: { expansion: null, diagnostics: [diagnostic], builders: {}, state: null, plugins: () => null },
    plugins: nothing,
    store: nothing,
    close: async () => {},
    ...rest,
  };
}

async function openPlugins(
  declared: DeclaredPlugins,
  dataDir: string,
  { env, signal, now, randomId }: ProjectOptions & Pick<Project, 'now' | 'randomId'>,
): Promise<Plugins> {
  const [{ createPlugins }, { systemTimer }] = await Promise.all([
    import('./plugins/plugins.ts'),
    import('@rebake/engine'),
  ]);
  const bounds = { signal: signal ?? new AbortController().signal, timer: systemTimer };
  return createPlugins(declared, { ...bounds, dataDir, env, now, randomId });
}

async function openState(project: Project, dataDir: string): Promise<Store> {
  if (!project.ownState) return openForeign(project);
  const { declaration, now, randomId } = project;
  const file = join(dataDir, 'state.db');
  // Of a declaration that nobody understands, the state is ours if it is there: else it may be anywhere.
  if (declaration.plugins() === null && !existsSync(file)) throw new Refused(declaration.diagnostics);
  const { openStore } = await import('@rebake/engine');
  return openStore(file, { now, random: randomId });
}

async function openForeign({ declaration: { state }, plugins }: Project): Promise<Store> {
  if (state === null) throw new Error('a state of nobody else is our own');
  const opened = await (await plugins()).openStore(state);
  if (!opened.ok) throw new Refused(opened.diagnostics);
  return opened.value;
}

/** The project with another expansion, or with what is left of a faulty one. Its plan must not be remembered as that of the real one: it has no stamp. */
export function withExpansion(project: Project, expansion: NonNullable<Declaration['expansion']>): Project {
  return { ...project, declarationStamp: '', declaration: { ...project.declaration, expansion, diagnostics: [] } };
}

/** Whether any diagnostic is an error. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}
