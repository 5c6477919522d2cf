/** What all environments of a run share: turns, memory, and the image's interpreter while something is compiled. */
import { availableParallelism } from 'node:os';
import { digestOf, type Digest } from '@rebake/image';
import type { Cache } from '@rebake/cache';
import { createCompiler, type Compiler } from '../bytecode/compiler.ts';
import { extractInterpreter, type Runnable } from '../interpreter/extract.ts';
import type { Ground } from '../interpreter/find.ts';
import type { PythonEnvRequest } from '../types.ts';
import { createGate, type Gate } from './gate.ts';

/** Bytes of bytecode and of sources on their way to it that may wait in memory, for all layers together. */
const BYTECODE_BYTES = 64 << 20;

export interface Shared {
  /** Layers that are written at once. */
  readonly layers: Gate;
  /** Wheels that are unpacked at once. */
  readonly unpacking: Gate;
  readonly bytecode: Gate;
  /** Lends the compiler of an interpreter; it ends when nobody has it any more. */
  lend(runnable: Runnable, version: string): { readonly compiler: Compiler; giveBack(): void };
  /** The interpreter of an image, taken out of it once a run. */
  runnable(
    request: Pick<PythonEnvRequest, 'fs' | 'identity' | 'interpreter'>,
    ground: Pick<Ground, 'interpreter'>,
    signal: AbortSignal,
  ): Promise<Runnable>;
}

const OF_CACHE = new WeakMap<Cache, Shared>();

/** Those that use one cache share. */
export function sharedOf(cache: Cache): Shared {
  let shared = OF_CACHE.get(cache);
  if (shared === undefined) {
    shared = create(cache);
    OF_CACHE.set(cache, shared);
  }
  return shared;
}

function create(cache: Cache): Shared {
  const compilers = new Map<Digest, { readonly compiler: Compiler; users: number }>();
  const runnables = new Map<string, Promise<Runnable>>();
  return {
    // One more than there are cores, since a layer also waits for files and processes.
    layers: createGate(availableParallelism() + 1),
    unpacking: createGate(availableParallelism() + 1),
    bytecode: createGate(BYTECODE_BYTES),
    lend(runnable, version) {
      let lent = compilers.get(runnable.id);
      if (lent === undefined) {
        lent = { compiler: createCompiler(runnable, version), users: 0 };
        compilers.set(runnable.id, lent);
      }
      const mine = lent;
      mine.users++;
      return {
        compiler: mine.compiler,
        giveBack: () => {
          if (--mine.users > 0) return;
          mine.compiler.close();
          if (compilers.get(runnable.id) === mine) compilers.delete(runnable.id);
        },
      };
    },
    async runnable({ fs, identity, interpreter }, ground, signal) {
      const key = digestOf([identity, ground.interpreter]);
      const known = runnables.get(key);
      if (known !== undefined) return known;
      const made = extractInterpreter(fs, ground.interpreter, interpreter, cache, signal);
      runnables.set(key, made);
      made.catch(() => runnables.delete(key));
      return made;
    },
  };
}
