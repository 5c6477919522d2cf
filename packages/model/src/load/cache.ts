/**
 * The load cache: a validated declaration with the files it names, kept so that the next start imports neither a parser nor a validator.
 *
 * It holds while the config and everything that it names have the stat that they had. What changed too shortly before it was read to show
 * in a time stamp is not kept (git's racy rule), nor is a declaration with an error. A broken cache is no cache.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Digest, FileSet } from '@rebake/image';
import type { Diagnostic, Where } from '@rebake/sdk';
import type { Loaded, LoadedLock, LoadedText } from '../contract.ts';
import type { Config } from '../schema.ts';
import { cacheKey } from './cache-key.ts';
import type { Watch } from './files.ts';
import { findConfig, isTypeScript, OWN_FOLDER } from './find.ts';
import { loadDetails, lockCache, type LoadDetails, type LoadOutcome, type LoadRequest } from './load.ts';
import { keptLock, lostLock } from './lock-cache.ts';
import { lockPaths } from './locks.ts';
import { dotted, preferred, type KeyPath, type SpotTree } from './source.ts';

/** What to load, and where the cache is. */
export interface CachedLoadRequest extends LoadRequest {
  /** Folder of the cache, such as `.rebake/cache`; null: none. */
  readonly cacheDir: string | null;
  /** Milliseconds since the epoch; default: the clock. */
  readonly now?: () => number;
}

const FORMAT = 'rebake declaration 4';
const FILE = 'declaration.json';
/** Time stamps count in two seconds at worst; what is younger may change again without showing it. */
const RACY_MS = 2_000;
/** Above this, looking at each file costs more than it saves. */
const MAX_WATCHED = 50_000;

/** Line, column and members: a {@link SpotTree} for JSON, with only the places of values. */
type Spots = readonly [line: number, column: number, members?: Readonly<Record<string, Spots>>];

interface Head {
  readonly key: string;
  readonly file: string;
  /** Path, and its stamp. */
  readonly watched: readonly (readonly [path: string, stamp: string])[];
  /** Locks that the declaration names, and all that were there; relative to its folder. */
  readonly namedLocks: readonly string[];
  readonly lockPaths: readonly string[];
  /** Stamp of the folder that parsed locks are kept in; null: there are none. */
  readonly lockFolder: string | null;
}

interface Kept {
  readonly config: Config;
  readonly texts: readonly (readonly [string, LoadedText])[];
  /** Each set once, and for each key which of them. */
  readonly sets: readonly FileSet[];
  readonly setOf: readonly (readonly [string, number])[];
  readonly kitVersions: readonly (readonly [string, string])[];
  /** Locks that were read, by content. */
  readonly locks: readonly (readonly [path: string, digest: Digest])[];
  readonly spots: Spots;
  readonly warnings: readonly Diagnostic[];
}

/** A declaration, loaded or kept, with room for what was made of it. */
export interface OpenDeclaration {
  /** What {@link OpenDeclaration.keep} was given when this declaration was last loaded; null: nothing, or it has changed since. */
  readonly made: string | null;
  /** The declaration; parsed when first asked for, where it was kept. */
  outcome(): LoadOutcome;
  /** Keeps the declaration for the next start, with what was made of it: one line of text, or null. */
  keep(made: string | null): void;
}

/** Loads like {@link load}, from the cache where nothing has changed. */
export async function loadCached(request: CachedLoadRequest): Promise<LoadOutcome> {
  const opened = await openDeclaration(request);
  opened.keep(null);
  return opened.outcome();
}

/** Opens a declaration, from the cache where nothing has changed. TypeScript is always run: it may compute anything. */
export async function openDeclaration(request: CachedLoadRequest): Promise<OpenDeclaration> {
  const { cacheDir } = request;
  const found = findConfig(request.cwd, request.file);
  if (!found.ok) return fresh({ loaded: null, removed: [], diagnostics: [found.diagnostic], declared: null });
  const { file } = found;
  const kept = cacheDir === null || isTypeScript(file) ? null : read(cacheDir, file);
  if (kept !== null) return kept;
  const startedAt = (request.now ?? Date.now)();
  const details = await loadDetails({ ...request, file });
  return fresh(details, (made) => {
    if (cacheDir !== null) keep(cacheDir, details, startedAt, made);
  });
}

function fresh(
  { loaded, removed, diagnostics, declared }: LoadOutcome,
  keepIt: OpenDeclaration['keep'] = () => {},
): OpenDeclaration {
  const outcome: LoadOutcome = { loaded, removed, diagnostics, declared };
  return { made: null, outcome: () => outcome, keep: keepIt };
}

/** Three lines: what it holds for, what was made of the declaration, and the declaration. The last is parsed only when somebody asks. */
function read(cacheDir: string, file: string): OpenDeclaration | null {
  const text = readValid(cacheDir, file);
  if (text === null) return null;
  const [, made = '', body = ''] = text.split('\n');
  let outcome: LoadOutcome | null = null;
  const parse = (): LoadOutcome => {
    const kept = JSON.parse(body) as Kept;
    const loaded = revive(file, kept, cacheDir);
    return { loaded, removed: [], diagnostics: kept.warnings, declared: declaredBy(loaded) };
  };
  return { made: made === '' ? null : made, outcome: () => (outcome ??= parse()), keep: () => {} };
}

function readValid(cacheDir: string, file: string): string | null {
  try {
    const text = readFileSync(join(cacheDir, FILE), 'utf8');
    const { key, file: of, watched, ...head } = JSON.parse(text.slice(0, text.indexOf('\n'))) as Head;
    if (key !== cacheKey(FORMAT) || of !== file || !text.endsWith('\n')) return null;
    if (head.lockPaths.join('\0') !== lockPaths(dirname(file), head.namedLocks).join('\0')) return null;
    if (head.lockFolder !== null && head.lockFolder !== stampOf(lockFolder(cacheDir))) return null;
    for (const [path, stamp] of watched) if (stampOf(path) !== stamp) return null;
    return text;
  } catch {
    // Missing, cut off, or edited by hand: it is made anew.
    return null;
  }
}

/** Stamp of the kept declaration, whether it holds or not: what {@link keptStamp} gives while it does. */
export function cacheStamp(cacheDir: string): string {
  return stampOf(join(cacheDir, FILE));
}

/** Tells one kept declaration from the next; null while none holds. Nothing of it is parsed but what it holds for. */
export function keptStamp(cacheDir: string, file: string): string | null {
  const stamp = cacheStamp(cacheDir);
  return isTypeScript(file) || readValid(cacheDir, file) === null ? null : stamp;
}

function lockFolder(cacheDir: string): string {
  return lockCache(cacheDir).folder ?? cacheDir;
}

function revive(file: string, kept: Kept, cacheDir: string): Loaded {
  const { config, spots } = kept;
  const sets = new Map<string, FileSet>();
  for (const [key, index] of kept.setOf) {
    const set = kept.sets[index];
    if (set !== undefined) sets.set(key, set);
  }
  return {
    file,
    root: dirname(file),
    config,
    locate: (path) => whereOf(file, spots, path),
    texts: new Map(kept.texts),
    sets,
    kitVersions: new Map(kept.kitVersions),
    locks: reviveLocks(kept, cacheDir),
  };
}

function reviveLocks({ locks }: Kept, cacheDir: string): Map<string, LoadedLock> {
  const cache = lockCache(cacheDir);
  return new Map(
    locks.map(([path, digest]) => {
      const lock = keptLock(path, digest, cache);
      if (lock !== null) return [path, lock];
      // Else the next start would believe it again.
      rmSync(join(cacheDir, FILE), { force: true });
      throw lostLock(cache.folder ?? cacheDir);
    }),
  );
}

/** A kept declaration is valid YAML: its plugins are names, and its state is what it says. */
function declaredBy(loaded: Loaded): LoadOutcome['declared'] {
  const { state, plugins } = loaded.config;
  return {
    plugins: { root: loaded.root, items: plugins, locate: (path) => loaded.locate(path) },
    state: state === undefined ? null : { path: ['state'], ...state },
  };
}

function whereOf(file: string, spots: Spots, path: KeyPath): Where {
  let at = spots;
  for (const key of path) {
    const members = at[2];
    if (members === undefined || !Object.hasOwn(members, key)) break;
    at = members[key] ?? at;
  }
  return { file, line: at[0], column: at[1], path: dotted(path) };
}

function keep(cacheDir: string, details: LoadDetails, startedAt: number, made: string | null): void {
  const { loaded, source, linked, diagnostics } = details;
  const spots = source?.spots ?? null;
  if (loaded === null || spots === null || linked) return;
  if (diagnostics.some(({ severity }) => severity === 'error')) return;
  // What plugins give is nowhere watched.
  if (Object.keys(loaded.config.nodes).length > 0 || Object.keys(loaded.config.sources).length > 0) return;
  const paths = new Set([loaded.file]);
  for (const [path, watch] of details.watched) collect(path, watch, join(loaded.root, OWN_FOLDER), paths);
  if (paths.size > MAX_WATCHED) return;
  const bound = startedAt - RACY_MS;
  const watched: [string, string][] = [];
  for (const path of paths) {
    const stat = statOf(path);
    if (stat !== null && (stat.mtimeMs > bound || stat.ctimeMs > bound)) return;
    watched.push([path, stamp(stat)]);
  }
  const sets = [...new Set(loaded.sets.values())];
  const index = new Map(sets.map((set, at) => [set, at]));
  const head: Head = {
    key: cacheKey(FORMAT),
    file: loaded.file,
    watched,
    namedLocks: details.namedLocks,
    lockPaths: details.lockPaths,
    lockFolder: details.lockDigests.length === 0 ? null : stampOf(lockFolder(cacheDir)),
  };
  const kept: Kept = {
    config: loaded.config,
    texts: [...loaded.texts],
    sets,
    setOf: [...loaded.sets].map(([key, set]) => [key, index.get(set) ?? 0]),
    kitVersions: [...loaded.kitVersions],
    locks: details.lockDigests,
    spots: spotsOf(spots),
    warnings: diagnostics,
  };
  write(cacheDir, `${JSON.stringify(head)}\n${made ?? ''}\n${JSON.stringify(kept)}\n`);
}

function spotsOf(tree: SpotTree): Spots {
  const [line, column] = preferred(tree, 'value');
  if (tree.children === undefined || tree.children.size === 0) return [line, column];
  return [line, column, Object.fromEntries([...tree.children].map(([key, child]) => [key, spotsOf(child)]))];
}

/** A path and, for folders that were read, what is in them: a folder's own stamp tells of names that come and go. */
function collect(path: string, watch: Watch, own: string, paths: Set<string>): void {
  if (path === own || paths.size > MAX_WATCHED) return;
  paths.add(path);
  if (watch === 'itself' || statOf(path)?.isDirectory() !== true) return;
  for (const child of readdirSync(path)) collect(join(path, child), watch, own, paths);
}

function write(cacheDir: string, text: string): void {
  const temporary = join(cacheDir, `${FILE}.${process.pid}.tmp`);
  try {
    mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, join(cacheDir, FILE));
  } catch {
    // A folder that cannot be written to: the next start is slower, and nothing else.
    rmSync(temporary, { force: true });
  }
}

function statOf(path: string): Stats | null {
  try {
    // Not as bigints, which cost twice the time: milliseconds have fractions, down to a quarter of a microsecond.
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    // Not to be reached, for whatever reason: that is a state, too.
    return null;
  }
}

function stamp(stat: Stats | null): string {
  return stat === null ? '-' : `${stat.size} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.ino} ${stat.mode}`;
}

function stampOf(path: string): string {
  return stamp(statOf(path));
}
