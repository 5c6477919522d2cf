/** One layer of wheels: planned, compiled and written, with as little in memory as can be. */
import type { Cache } from '@rebake/cache';
import { compareBytes, type LockedPackage } from '@rebake/image';
import { type Compression, type Layer, type TreeEntry, writeLayer } from '@rebake/layers';
import type { Ground } from '../interpreter/find.ts';
import { planWheel, type EnvPaths, type PlannedFile, type PlannedWheel } from '../wheel/layout.ts';
import { openUnpacked, type WheelSource } from '../wheel/unpacked.ts';
import type { Wheel } from '../wheel/wheel.ts';
import { createFolders, fileEntry, type Folders } from './entries.ts';
import { bytecodePath, type Compiling, isModule, openBytecode } from './bytecode.ts';

/** A wheel in the cache, unpacked, and the package that it is of. */
export interface CachedWheel extends WheelSource {
  readonly pkg: LockedPackage;
}

export interface LayerJob {
  readonly cache: Cache;
  /** Sorted by name; where two bring the same file, the later one's is there. */
  readonly wheels: readonly CachedWheel[];
  readonly ground: Ground;
  readonly paths: EnvPaths;
  readonly compression: Compression;
  /** Null: no bytecode. */
  readonly compiling: Compiling | null;
  readonly signal: AbortSignal;
}

/** A wheel's files by path, with their hashes. */
export type Listing = ReadonlyMap<string, string>;

/** Opens and plans wheels, hands them to `use`, and closes them again. */
export async function withPlans<T>(
  { cache, wheels, paths }: Pick<LayerJob, 'cache' | 'wheels' | 'paths'>,
  use: (plans: readonly PlannedWheel[]) => Promise<T>,
): Promise<T> {
  const opened: Wheel[] = [];
  try {
    const plans: PlannedWheel[] = [];
    for (const source of wheels) {
      const wheel = await openUnpacked(cache, source);
      opened.push(wheel);
      plans.push(await planWheel(wheel, source.pkg, paths));
    }
    return await use(plans);
  } finally {
    for (const wheel of opened) wheel.close();
  }
}

/** Writes the layer. Rejects with `WHEEL_INVALID`, or what the cache and the compiler fail with. */
export async function writeWheels(
  job: LayerJob,
): Promise<{ readonly layer: Layer; readonly tops: readonly (readonly string[])[] }> {
  const { cache, compression, signal } = job;
  return withPlans(job, async (plans) => {
    const layer = await writeLayer(cache, entries(job, plans), { compression, signal, isGround: true });
    return { layer, tops: plans.map(topsOf) };
  });
}

/** What a wheel has in the folders that all share: two wheels that share nothing of it share no file. Depth: a folder of modules has one name. */
function topsOf({ files }: PlannedWheel): readonly string[] {
  const tops = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/');
    tops.add(parts.slice(0, path.startsWith('lib/') ? 4 : 2).join('/'));
  }
  return [...tops].toSorted(compareBytes);
}

async function* entries(job: LayerJob, plans: readonly PlannedWheel[]): AsyncGenerator<TreeEntry> {
  const { ground, paths, compiling } = job;
  const folders = createFolders(ground);
  /** Which wheel a path is of: the last that has it. */
  const owners = new Map<string, PlannedWheel>();
  for (const plan of plans) for (const { path } of plan.files) owners.set(path, plan);
  const files = plans.map((plan) =>
    plan.files.filter(({ path }) => owners.get(path) === plan).toSorted((a, b) => compareBytes(a.path, b.path)),
  );
  const isSource = ({ path }: PlannedFile): boolean => compiling !== null && isModule(path);
  const sources = files.map((mine) => mine.filter(isSource));
  // A wheel that brings bytecode itself: an installer that compiles replaces it.
  const replaced = new Set(sources.flat().map(({ path }) => bytecodePath(path, paths.interpreter)));
  const bytecode = compiling === null ? null : await openBytecode(job, compiling, sources, plans);
  try {
    // What is not compiled goes first, and is compressed while the rest is compiled.
    for (const file of files.flat()) {
      if (!isSource(file) && !replaced.has(file.path)) yield* withFolders(folders, ground, file);
    }
    for (const [i, plan] of plans.entries()) {
      const compiled: string[] = [];
      for (const source of sources[i] ?? []) {
        const made = await bytecode?.next();
        const read = made?.source ?? null;
        const known = read === null ? source : { ...source, bytes: async () => Promise.resolve(read) };
        yield* withFolders(folders, ground, known);
        if (made === undefined || made === null) continue;
        const path = bytecodePath(source.path, paths.interpreter);
        compiled.push(path);
        const { bytes } = made;
        const size = bytes.length;
        yield* withFolders(folders, ground, {
          path,
          mode: 0o644,
          size,
          hash: '',
          bytes: async () => Promise.resolve(bytes),
          whole: async () => Promise.resolve(bytes),
        });
        made.written();
      }
      yield* withFolders(folders, ground, plan.record(compiled));
    }
    await bytecode?.keep();
  } finally {
    await bytecode?.stop();
  }
}

function* withFolders(folders: Folders, ground: Ground, file: PlannedFile): Generator<TreeEntry> {
  yield* folders.above(file.path);
  yield fileEntry(ground, file);
}

/** The files of one wheel with their hashes, to see what it shares with others. */
export async function listingOf(cache: Cache, wheel: CachedWheel, paths: EnvPaths): Promise<Listing> {
  return withPlans({ cache, wheels: [wheel], paths }, async ([plan]) => {
    const files = plan?.files ?? [];
    return new Map(files.map(({ path, hash }) => [path, hash]));
  });
}
