/** Loads a declaration: finds it, reads it, validates it, and reads every file that it names. All problems at once. */
import { dirname, join } from 'node:path';
import type { Digest, FileHasher } from '@rebake/image';
import type { Diagnostic } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import type { DeclaredPlugins, DeclaredUse, OpenPlugins } from '../plugin-host.ts';
import { cacheKey } from './cache-key.ts';
import { findConfig, isTypeScript } from './find.ts';
import type { Watch } from './files.ts';
import type { LockCache } from './lock-cache.ts';
import { readLocks } from './locks.ts';
import { readConfigText } from './text.ts';
import { valueAt, type KeyPath, type ReadSource, type Source } from './source.ts';
import { declaredPlugins, noPlugins, useAt } from './uses.ts';

/** What to load. */
export interface LoadRequest {
  /** Config file, relative to `cwd`; absent: the nearest one upwards from `cwd`. */
  readonly file?: string;
  readonly cwd: string;
  readonly hasher: FileHasher;
  /** Opens the plugins of a declaration that has sources; default: none can be had. */
  readonly plugins?: OpenPlugins;
  /** Folder of caches, such as `.rebake/cache`; null or absent: none. */
  readonly cacheDir?: string | null;
}

/** What came of it. */
export interface LoadOutcome {
  /** Null when too little could be understood to go on with. */
  readonly loaded: Loaded | null;
  /** Paths of keys whose faulty values were left out of `loaded`; empty when the declaration is valid. */
  readonly removed: readonly KeyPath[];
  /** By line. */
  readonly diagnostics: readonly Diagnostic[];
  /** The plugins that it names, and the state; null when the file could not be understood at all. */
  readonly declared: { readonly plugins: DeclaredPlugins; readonly state: DeclaredUse | null } | null;
}

/** An outcome with what the cache has to know of it. */
export interface LoadDetails extends LoadOutcome {
  readonly source: Source | null;
  /** See {@link ReadFiles}. */
  readonly watched: ReadonlyMap<string, Watch>;
  readonly linked: boolean;
  /** Locks that it names, and all that were there; relative to its folder. */
  readonly namedLocks: readonly string[];
  readonly lockPaths: readonly string[];
  /** Locks that were read, with the digests of their contents. */
  readonly lockDigests: readonly (readonly [path: string, digest: Digest])[];
}

/** Loads a declaration. Nothing that a user wrote makes it throw. */
export async function load(request: LoadRequest): Promise<LoadOutcome> {
  const { loaded, removed, diagnostics, declared } = await loadDetails(request);
  return { loaded, removed, diagnostics, declared };
}

const NOTHING = {
  loaded: null,
  removed: [],
  source: null,
  watched: new Map<string, Watch>(),
  linked: false,
  namedLocks: [],
  lockPaths: [],
  lockDigests: [],
  declared: null,
} as const;

/** Loads a declaration, with the details. */
export async function loadDetails(request: LoadRequest): Promise<LoadDetails> {
  const found = findConfig(request.cwd, request.file);
  if (!found.ok) return { ...NOTHING, diagnostics: [found.diagnostic] };
  const { file } = found;
  const read = readConfigText(file);
  if ('code' in read) return { ...NOTHING, diagnostics: [read] };
  return inspect(await readSource(file, read.text), request);
}

/** Reads a declaration from a text, as if the file held it. */
export async function readSource(file: string, text: string): Promise<ReadSource> {
  if (isTypeScript(file)) {
    const { readTypeScript } = await import('./typescript.ts');
    return readTypeScript(file, text);
  }
  const { readYaml } = await import('./yaml.ts');
  return readYaml(file, text);
}

/** Where parsed locks are kept in a folder of caches. */
export function lockCache(cacheDir: string | null): LockCache {
  let key: string | undefined;
  return {
    folder: cacheDir === null ? null : join(cacheDir, 'locks'),
    key: () => (key ??= cacheKey('rebake lock 1')),
  };
}

async function inspect(
  written: ReadSource,
  { hasher, plugins: open = noPlugins, cacheDir = null }: LoadRequest,
): Promise<LoadDetails> {
  if (written.source === null) return { ...NOTHING, diagnostics: sorted(written.diagnostics) };
  const plugins = declaredPlugins(written.source);
  const declared = { plugins, state: useAt(written.source.value, ['state']) };
  const nothing = { ...NOTHING, declared };
  const read = await whole(written, plugins, open);
  const { source } = read;
  if (source === null) return { ...nothing, diagnostics: sorted(read.diagnostics) };
  const { validate } = await import('./validate.ts');
  const { config, removed, diagnostics } = validate(source);
  if (config === null) return { ...nothing, source, diagnostics: sorted([...read.diagnostics, ...diagnostics]) };
  const { readFiles } = await import('./files.ts');
  const files = readFiles(source, config, hasher);
  const {
    locks,
    digests: lockDigests,
    ...lookedAt
  } = await readLocks(source.file, config, hasher, lockCache(cacheDir));
  const loaded: Loaded = {
    file: source.file,
    root: dirname(source.file),
    config,
    locate: (path) => source.place(path, 'value'),
    texts: files.texts,
    sets: files.sets,
    kitVersions: files.kitVersions,
    locks,
  };
  const all = [...read.diagnostics, ...diagnostics, ...files.diagnostics];
  const watched = new Map(files.watched);
  for (const path of lookedAt.paths) watched.set(join(loaded.root, path), 'itself');
  return {
    loaded,
    removed,
    source,
    diagnostics: sorted(all),
    watched,
    linked: files.linked || !lookedAt.isKept,
    namedLocks: lookedAt.named,
    lockPaths: lookedAt.paths,
    lockDigests,
    declared,
  };
}

/** With what its sources declare, where it has any. */
async function whole(read: ReadSource, plugins: DeclaredPlugins, open: OpenPlugins): Promise<ReadSource> {
  if (valueAt(read.source?.value, ['sources']) === undefined) return read;
  const { withSources } = await import('./sources.ts');
  return withSources(read, plugins, open);
}

/** By place; what has none comes first. */
function sorted(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const one = diagnostics.length < 2;
  return one
    ? [...diagnostics]
    : diagnostics.toSorted(
        (a, b) => (a.where?.line ?? 0) - (b.where?.line ?? 0) || (a.where?.column ?? 0) - (b.where?.column ?? 0),
      );
}
