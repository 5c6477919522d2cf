/** Bytecode for the sources of a layer: made ahead of whoever writes it, as far as there is room, and kept for other layers with the same wheel. */
import type { Cache } from '@rebake/cache';
import { digestOf, type Digest } from '@rebake/image';
import type { Compiler } from '../bytecode/compiler.ts';
import { LAYOUT_VERSION, type EnvPaths, type PlannedFile, type PlannedWheel } from '../wheel/layout.ts';
import type { Gate } from './gate.ts';
import { type Kept, recallBytecode, storeBytecode, type Storing } from './kept.ts';

/** What compiles. */
export interface Compiling {
  readonly compiler: Compiler;
  /** Of the interpreter: what decides which bytecode comes out. */
  readonly id: Digest;
  /** Bounds what waits for being compiled and written, for all layers together. */
  readonly room: Gate;
}

/** What a layer is made of, as far as bytecode goes. */
export interface BytecodeJob {
  readonly cache: Cache;
  readonly paths: EnvPaths;
  readonly wheels: readonly { readonly digest: Digest }[];
  readonly signal: AbortSignal;
}

/** Bytecode of one source, and what says that it is not in memory for us any more. */
export interface Made {
  readonly bytes: Buffer;
  /** The source that was read for it, so that it need not be read again; null: none was. */
  readonly source: Uint8Array | null;
  written(): void;
}

/** Bytecode of all sources, in their order. */
export interface Bytecode {
  /** Of the next source; null where it does not compile. */
  next(): Promise<Made | null>;
  /** Keeps what was made, once all was asked for. */
  keep(): Promise<void>;
  stop(): Promise<void>;
}

/** Larger sources are no modules; compiling them could take all memory. In bytes. */
const MAX_SOURCE = 32 << 20;
/** What is asked for at once is bounded by bytes; this is for many tiny ones. */
const MAX_AHEAD = 512;

/** Whether a file is one that an installer compiles: modules, not scripts. `path`: relative to the prefix. */
export function isModule(path: string): boolean {
  return path.startsWith('lib/') && path.endsWith('.py');
}

/** `a/b.py` → `a/__pycache__/b.cpython-311.pyc`. */
export function bytecodePath(path: string, interpreter: string): string {
  const slash = path.lastIndexOf('/');
  const stem = path.slice(slash + 1, -'.py'.length);
  return `${path.slice(0, slash)}/__pycache__/${stem}.cpython-${interpreter.replace('.', '')}.pyc`;
}

interface Wanted {
  readonly source: PlannedFile;
  readonly kept: Kept | null;
  /** Takes what was made of a wheel that is not kept yet. */
  readonly storing: Storing | null;
}

/** Begins with the first sources at once. `sources`: of each wheel those that it really brings into the layer. */
export async function openBytecode(
  job: BytecodeJob,
  compiling: Compiling,
  sources: readonly (readonly PlannedFile[])[],
  plans: readonly PlannedWheel[],
): Promise<Bytecode> {
  const { cache, paths, wheels, signal } = job;
  const kepts: Kept[] = [];
  const stores: Storing[] = [];
  const wanted: Wanted[] = [];
  for (const [i, mine] of sources.entries()) {
    const key = digestOf([LAYOUT_VERSION, wheels[i]?.digest ?? '', compiling.id, paths.prefix, paths.interpreter]);
    const kept = mine.length === 0 ? null : await recallBytecode(cache, key);
    if (kept !== null) kepts.push(kept);
    // Kept is only what is whole: of a wheel whose files another one replaces it is made again.
    const isWhole = mine.length > 0 && mine.length === plans[i]?.files.filter(({ path }) => isModule(path)).length;
    const storing = kept === null && isWhole ? storeBytecode(cache, key) : null;
    if (storing !== null) stores.push(storing);
    for (const source of mine) wanted.push({ source, kept, storing });
  }
  const ahead = makeAhead(
    wanted,
    async ({ source, kept }) => make(source, kept, compiling.compiler, paths),
    compiling.room,
    signal,
  );
  let at = 0;
  return {
    async next() {
      const index = at++;
      const made = await ahead.next(index);
      const { source, storing } = wanted[index] ?? {};
      if (source !== undefined) await storing?.add(source.path, made?.bytes ?? null);
      return made;
    },
    async keep() {
      for (const storing of stores) await storing.keep();
    },
    async stop() {
      ahead.stop();
      for (const storing of stores) await storing.abort();
      for (const kept of kepts) kept.close();
    },
  };
}

async function make(
  source: PlannedFile,
  kept: Kept | null,
  compiler: Compiler,
  paths: EnvPaths,
): Promise<Omit<Made, 'written'> | null> {
  const known = await kept?.read(source.path);
  if (known !== undefined) return known === null ? null : { bytes: known, source: null };
  if (source.size > MAX_SOURCE) return null;
  const content = await source.whole();
  const bytes = await compiler.compile(`${paths.prefix}/${source.path}`, content);
  return bytes === null ? null : { bytes, source: content };
}

/** Makes things in their order, ahead of whoever asks for them, as far as there is room. */
function makeAhead(
  wanted: readonly Wanted[],
  making: (one: Wanted) => Promise<Omit<Made, 'written'> | null>,
  room: Gate,
  signal: AbortSignal,
): { next(index: number): Promise<Made | null>; stop(): void } {
  const made: (Promise<Made | null> | undefined)[] = [];
  const waiters = new Map<number, () => void>();
  const stopped = new AbortController();
  const either = AbortSignal.any([signal, stopped.signal]);
  let asked = 0;
  let wake: (() => void) | null = null;
  let problem: unknown = null;

  const one = async (next: Wanted, giveBack: () => void): Promise<Made | null> => {
    let done: Omit<Made, 'written'> | null = null;
    try {
      done = await making(next);
    } finally {
      if (done === null) giveBack();
    }
    return done === null ? null : { ...done, written: giveBack };
  };

  void (async () => {
    try {
      for (const [i, next] of wanted.entries()) {
        while (i - asked > MAX_AHEAD && !stopped.signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
        // Bytecode is about as large as its source, and both are there for a while.
        const giveBack = await room.enter(next.source.size * 3, either);
        const promise = one(next, giveBack);
        promise.catch(() => undefined);
        made[i] = promise;
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
      const promise = made[index];
      if (promise === undefined) throw problem;
      made[index] = undefined;
      return promise;
    },
    stop() {
      stopped.abort();
      wake?.();
      for (const promise of made)
        void promise?.then(
          (left) => left?.written(),
          () => undefined,
        );
    },
  };
}
