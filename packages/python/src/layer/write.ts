/** One layer of wheels: planned, compiled and written, with as little in memory as can be. */
import type { Cache } from '@rebake/cache';
import { compareBytes, type Digest, type LockedPackage } from '@rebake/image';
import { type Compression, type Layer, type TreeEntry, writeLayer } from '@rebake/layers';
import type { Compiler } from '../bytecode/compiler.ts';
import { failure } from '../failures.ts';
import type { Ground } from '../interpreter/find.ts';
import { planWheel, type EnvPaths, type PlannedFile, type PlannedWheel } from '../wheel/layout.ts';
import { openWheel, type Wheel } from '../wheel/wheel.ts';
import { createFolders, fileEntry, type Folders } from './entries.ts';
import type { Gate } from './gate.ts';

/** A wheel in the cache, and the package that it is of. */
export interface CachedWheel {
  readonly pkg: LockedPackage;
  readonly digest: Digest;
  /** File name. */
  readonly file: string;
  /** In bytes. */
  readonly size: number;
}

export interface LayerJob {
  readonly cache: Cache;
  /** Sorted by name; where two bring the same file, the later one's is there. */
  readonly wheels: readonly CachedWheel[];
  readonly ground: Ground;
  readonly paths: EnvPaths;
  readonly compression: Compression;
  /** Null: no bytecode. */
  readonly compiler: Compiler | null;
  /** Bounds what waits for being compiled and written. */
  readonly bytecode: Gate;
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
    for (const { pkg, digest, file, size } of wheels) {
      const wheel = await openWheel(cache.path(digest), size, { file, name: pkg.name, version: pkg.version });
      opened.push(wheel);
      plans.push(await planWheel(wheel, pkg, paths));
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
    const layer = await writeLayer(cache, entries(job, plans), { compression, signal });
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
  const { ground, compiler } = job;
  const folders = createFolders(ground);
  /** Which wheel a path is of: the last that has it. */
  const owners = new Map<string, PlannedWheel>();
  for (const plan of plans) for (const { path } of plan.files) owners.set(path, plan);
  const mine = (plan: PlannedWheel): readonly PlannedFile[] =>
    plan.files.filter(({ path }) => owners.get(path) === plan).toSorted((a, b) => compareBytes(a.path, b.path));
  // What is not compiled goes first, and is compressed while the rest is compiled.
  const sources: { readonly file: PlannedFile; readonly plan: PlannedWheel }[] = [];
  for (const plan of plans) for (const file of mine(plan)) if (isSource(file, job)) sources.push({ file, plan });
  // A wheel that brings bytecode itself: an installer that compiles replaces it.
  const replaced = new Set(sources.map(({ file }) => bytecodePath(file.path, job.paths.interpreter)));
  const compiled = new Map<PlannedWheel, string[]>(plans.map((plan) => [plan, []]));
  const bytecode =
    compiler === null
      ? null
      : compileAhead(
          job,
          compiler,
          sources.map(({ file }) => file),
        );
  try {
    for (const plan of plans) {
      for (const file of mine(plan)) {
        if (!isSource(file, job) && !replaced.has(file.path)) yield* withFolders(folders, ground, file);
      }
    }
    for (const [i, { file, plan }] of sources.entries()) {
      yield* withFolders(folders, ground, file);
      const made = await bytecode?.next(i);
      if (made === undefined || made === null) continue;
      const path = bytecodePath(file.path, job.paths.interpreter);
      compiled.get(plan)?.push(path);
      const bytes = made.bytes;
      yield* withFolders(folders, ground, {
        path,
        mode: 0o644,
        size: bytes.length,
        hash: '',
        bytes: async () => Promise.resolve(bytes),
      });
      made.written();
    }
    for (const plan of plans) yield* withFolders(folders, ground, plan.record(compiled.get(plan) ?? []));
  } finally {
    bytecode?.stop();
  }
}

function* withFolders(folders: Folders, ground: Ground, file: PlannedFile): Generator<TreeEntry> {
  yield* folders.above(file.path);
  yield fileEntry(ground, file);
}

/** Whether a file is one that an installer compiles: modules, not scripts. */
function isSource({ path }: PlannedFile, { compiler }: LayerJob): boolean {
  return compiler !== null && path.startsWith('lib/') && path.endsWith('.py');
}

/** `a/b.py` → `a/__pycache__/b.cpython-311.pyc`. */
function bytecodePath(path: string, interpreter: string): string {
  const slash = path.lastIndexOf('/');
  const stem = path.slice(slash + 1, -'.py'.length);
  return `${path.slice(0, slash)}/__pycache__/${stem}.cpython-${interpreter.replace('.', '')}.pyc`;
}

/** Bytecode of one source, and what says that it is not in memory for us any more. */
interface Made {
  readonly bytes: Buffer;
  written(): void;
}

/** Larger sources are no modules; compiling them could take all memory. */
const MAX_SOURCE = 32 << 20;
/** What is asked for at once is bounded by bytes; this is for many tiny ones. */
const MAX_AHEAD = 512;

/** Compiles sources in their order, ahead of whoever asks for them, as far as there is room. */
function compileAhead(
  { paths, bytecode, signal }: LayerJob,
  compiler: Compiler,
  sources: readonly PlannedFile[],
): { next(index: number): Promise<Made | null>; stop(): void } {
  const made: (Promise<Made | null> | undefined)[] = [];
  const stopped = new AbortController();
  const either = AbortSignal.any([signal, stopped.signal]);
  let begun = 0;
  let asked = 0;
  let wake: (() => void) | null = null;
  const one = async (source: PlannedFile, giveBack: () => void): Promise<Made | null> => {
    let isHeld = false;
    try {
      const parts = await contentOf(source);
      const bytes = await compiler.compile(`${paths.prefix}/${source.path}`, parts);
      if (bytes === null) return null;
      isHeld = true;
      return { bytes, written: giveBack };
    } finally {
      if (!isHeld) giveBack();
    }
  };
  const waiters = new Map<number, () => void>();
  let problem: unknown = null;
  void (async () => {
    try {
      for (const [i, source] of sources.entries()) {
        while (begun - asked > MAX_AHEAD && !stopped.signal.aborted)
          await new Promise<void>((resolve) => (wake = resolve));
        if (stopped.signal.aborted) return;
        // Bytecode is about as large as its source, and both are there for a while.
        const giveBack = await bytecode.enter(source.size * 3, either);
        const making = source.size > MAX_SOURCE ? Promise.resolve(null).finally(giveBack) : one(source, giveBack);
        making.catch(() => undefined);
        made[i] = making;
        begun = i + 1;
        waiters.get(i)?.();
      }
    } catch (thrown) {
      problem = thrown;
      for (const go of waiters.values()) go();
    }
  })();
  return {
    async next(index) {
      asked = index;
      wake?.();
      if (made[index] === undefined && problem === null)
        await new Promise<void>((resolve) => waiters.set(index, resolve));
      waiters.delete(index);
      const making = made[index];
      if (making === undefined) throw problem;
      made[index] = undefined;
      return making;
    },
    stop() {
      stopped.abort();
      wake?.();
      for (const making of made)
        void making?.then(
          (one) => one?.written(),
          () => undefined,
        );
    },
  };
}

async function contentOf(file: PlannedFile): Promise<Uint8Array> {
  const bytes = file.bytes();
  if (bytes instanceof Promise) return bytes;
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}

/** The files of one wheel with their hashes, to see what it shares with others. */
export async function listingOf(cache: Cache, wheel: CachedWheel, paths: EnvPaths): Promise<Listing> {
  if ((await cache.has(wheel.digest)) === null)
    throw failure('WHEEL_MISSING', `${wheel.file} is not in the cache any more: run again`);
  return withPlans({ cache, wheels: [wheel], paths }, async ([plan]) => {
    const files = plan?.files ?? [];
    return new Map(files.map(({ path, hash }) => [path, hash]));
  });
}
