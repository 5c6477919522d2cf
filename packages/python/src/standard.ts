/** Bytecode for modules that no wheel brought, such as those of Debian's packages: a layer on top of them. */
import { hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { compareBytes, digestOf, type Digest } from '@rebake/image';
import {
  type Compression,
  type FolderFacts,
  type ImageFs,
  type Layer,
  type TreeEntry,
  withParents,
  writeLayer,
} from '@rebake/layers';
import type { Compiler } from './bytecode/compiler.ts';
import { failure } from './failures.ts';
import { bytecodePath } from './layer/bytecode.ts';
import { sharedOf } from './layer/shared.ts';
import type { Means } from './types.ts';

/** Modules that are to have bytecode. */
export interface StandardBytecodeRequest {
  /** The image, with the interpreter and the modules in it. */
  readonly fs: ImageFs;
  /** What is found in `fs` is remembered by it: the same where the files are. */
  readonly identity: Digest;
  /** `3.11`. */
  readonly interpreter: string;
  /** Where that is in the image, without a leading slash. */
  readonly program: string;
  /** Folders with modules, without a leading slash; what is below them counts, too. One that is not there has none. */
  readonly folders: readonly string[];
  readonly compression: Compression;
}

type Kept = { readonly layer: { readonly [key in keyof Layer]: Layer[key] } | null };

/** Of the rules by which layers are made here. */
const VERSION = 1;
/** Larger sources are no modules. In bytes. */
const MAX_SOURCE = 32 << 20;
/** Of the second word of a file of bytecode: whether its source is looked at before it is believed (PEP 552). */
const CHECKED = 2;

/**
 * Makes, or recalls, a layer with the bytecode of all modules in some folders that have none; no layer where that is all of them. It is made by the
 * image's own interpreter, believed without a look at the source, and the same on every machine. Modules that do not compile are left out. Rejects
 * with `BYTECODE_UNAVAILABLE` where the interpreter does not run here.
 */
export async function standardBytecode(
  request: StandardBytecodeRequest,
  means: Pick<Means, 'cache' | 'signal' | 'onLayer'>,
): Promise<readonly Layer[]> {
  const { identity, interpreter, program, folders, compression } = request;
  const { layer } = await means.cache.once<Kept>(
    'python-standard',
    digestOf([VERSION, identity, interpreter, program, folders, compression]),
    async (signal) => make(request, { ...means, signal }),
    means.signal,
  );
  if (layer === null) return [];
  means.onLayer?.(layer);
  return [layer];
}

/** A module without bytecode. Paths are those of the image, without a leading slash. */
interface Module {
  readonly path: string;
  /** Where its source really is. */
  readonly source: string;
  readonly isLink: boolean;
}

async function make(
  request: StandardBytecodeRequest,
  means: Pick<Means, 'cache' | 'signal'>,
): Promise<{ value: Kept; blobs: readonly Digest[] }> {
  const { fs, interpreter, identity, program, compression } = request;
  const { cache, signal } = means;
  const modules = await modulesOf(request);
  if (modules.length === 0) return { value: { layer: null }, blobs: [] };
  const found = await fs.stat(program);
  if (found?.type !== 'file') throw failure('INTERPRETER_MISSING', `there is no /${program} in the image`);
  const shared = sharedOf(cache);
  const ground = { interpreter: { path: `/${program}`, real: found.path } };
  const runnable = await shared.runnable({ fs, identity, interpreter }, ground, signal);
  const folder = await mkdtemp(join(await cache.scratch(), 'modules-'));
  try {
    const sources = new Set(modules.map(({ source }) => source));
    await fs.extract(folder, (path) => sources.has(path), signal);
    const facts = new Map<string, FolderFacts | null>();
    const parents = await parentsOf(modules, fs, facts);
    const key = digestOf([VERSION, runnable.id, interpreter, compression, await hashes(modules, folder), parents]);
    // A base with another package has the same modules mostly.
    const kept = await cache.once<Kept>(
      'python-standard',
      key,
      async (making) => {
        const lent = shared.lend(runnable, interpreter);
        try {
          const entries = await compiled(modules, lent.compiler, { folder, interpreter, signal: making });
          if (entries.length === 0) return { value: { layer: null }, blobs: [] };
          const all = await withParents(entries, { ...ROOT, known: (path) => facts.get(path) ?? null });
          const layer = await writeLayer(cache, all, { compression, signal: making, isGround: true });
          return { value: { layer: { ...layer } }, blobs: [layer.digest] };
        } finally {
          lent.giveBack();
        }
      },
      signal,
    );
    return { value: kept, blobs: kept.layer === null ? [] : [kept.layer.digest] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const ROOT: FolderFacts = { mode: 0o755, uid: 0, gid: 0 };

/** Sorted by path. */
async function modulesOf({ fs, folders, interpreter }: StandardBytecodeRequest): Promise<readonly Module[]> {
  const modules: Module[] = [];
  const todo: string[] = [];
  for (const path of folders) {
    const found = await fs.stat(path);
    if (found?.type === 'directory') todo.push(found.path);
  }
  for (let folder = todo.pop(); folder !== undefined; folder = todo.pop()) {
    const there = new Set(await fs.list(`${folder}/__pycache__`));
    for (const name of await fs.list(folder)) {
      const path = `${folder}/${name}`;
      if (!name.endsWith('.py')) {
        if (name === '__pycache__' || name.includes('.')) continue;
        if ((await fs.stat(path, { follow: false }))?.type === 'directory') todo.push(path);
        continue;
      }
      if (there.has(posix.basename(bytecodePath(path, interpreter)))) continue;
      const own = await fs.stat(path, { follow: false });
      const isLink = own?.type === 'symlink';
      const found = isLink ? await fs.stat(path) : own;
      if (found?.type !== 'file' || found.size > MAX_SOURCE) continue;
      modules.push({ path, source: found.path, isLink });
    }
  }
  const unique = new Map(modules.map((module) => [module.path, module]));
  return [...unique.values()].toSorted((a, b) => compareBytes(a.path, b.path));
}

/** Folders that the layer goes through, as they are in the image. Those that are made are as the folder that they are in. */
async function parentsOf(
  modules: readonly Module[],
  fs: ImageFs,
  facts: Map<string, FolderFacts | null>,
): Promise<readonly (readonly [string, FolderFacts | null])[]> {
  const look = async (path: string): Promise<FolderFacts | null> => {
    const known = facts.get(path);
    if (known !== undefined) return known;
    const found = await fs.stat(path);
    const { mode, uid, gid } = found ?? (await look(posix.dirname(path))) ?? ROOT;
    facts.set(path, { mode, uid, gid });
    return { mode, uid, gid };
  };
  for (const { path } of modules) {
    const into = `${posix.dirname(path)}/__pycache__`;
    for (let at = into; at !== '.'; at = posix.dirname(at)) if (!facts.has(at)) await look(at);
  }
  return [...facts].toSorted(([a], [b]) => compareBytes(a, b));
}

async function hashes(modules: readonly Module[], folder: string): Promise<readonly (readonly [string, string])[]> {
  const all: (readonly [string, string])[] = [];
  for (const { path, source, isLink } of modules)
    all.push([isLink ? `${path}@` : path, hash('sha256', await readFile(join(folder, source)), 'hex')]);
  return all;
}

interface Place {
  /** Of this machine, with the sources in it. */
  readonly folder: string;
  readonly interpreter: string;
  readonly signal: AbortSignal;
}

/** Sorted by path, as the modules are. */
async function compiled(
  modules: readonly Module[],
  compiler: Compiler,
  { folder, interpreter, signal }: Place,
): Promise<readonly TreeEntry[]> {
  const entries = new Map<number, TreeEntry>();
  const queue = modules.entries();
  const work = async (): Promise<void> => {
    for (const [index, { path, source, isLink }] of queue) {
      signal.throwIfAborted();
      const bytes = await compiler.compile(`/${path}`, await readFile(join(folder, source)));
      if (bytes === null) continue;
      // What a link leads to may be a setting, such as one in /etc, and may change without its bytecode.
      if (isLink) bytes.writeUInt32LE(bytes.readUInt32LE(4) | CHECKED, 4);
      // As many libraries as there may be need not be in memory.
      const at = join(folder, `${index}.pyc`);
      await writeFile(at, bytes);
      const to = bytecodePath(path, interpreter);
      const size = bytes.length;
      entries.set(index, {
        path: to,
        type: 'file',
        mode: 0o644,
        uid: 0,
        gid: 0,
        size,
        bytes: async () => readFile(at),
      });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() * AHEAD }, work));
  return [...entries].toSorted(([a], [b]) => a - b).map(([, entry]) => entry);
}

/** Sources that are read for each process that compiles. */
const AHEAD = 4;
