/** Layers from entries: a canonical tar, with contents of files asked for a little ahead. */
import type { Cache } from '@rebake/cache';
import { invalid } from './failures.ts';
import { beginIndex } from './fs/layer-index.ts';
import { intoLayer, type LayerSink } from './sink.ts';
import { END, headerOf, paddingOf } from './tar/header.ts';
import { createTree, wrongPath, type Tree } from './tar/paths.ts';
import type { Compression, Layer, TreeEntry } from './types.ts';

export interface WriteOptions {
  readonly compression: Compression;
  readonly signal: AbortSignal;
  /** Whether other images are going to stand on it: what is in it is then noted, and need not be read from it again. Default: no. */
  readonly isGround?: boolean;
}

/** Contents of files up to this size are asked for ahead, so many and so much. Bytes. */
const SMALL_BYTES = 1 << 20;
const AHEAD_ENTRIES = 64;
const AHEAD_BYTES = 8 << 20;

const WHAT = 'a layer';

/**
 * Writes entries as they come (they are not sorted here) as a canonical tar, compresses and stores it; hashing, compressing and asking for contents
 * overlap. `bytes` of an entry is called a little before its turn, once. Rejects with a `BuildFailure` `ARCHIVE_INVALID` for a path that
 * cannot be in a layer, for entries that contradict each other, and for content of another size than the entry says.
 */
export async function writeLayer(
  cache: Cache,
  entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
  { compression, signal, isGround = false }: WriteOptions,
): Promise<Layer> {
  const index = isGround ? beginIndex() : null;
  let offset = 0;
  const layer = await intoLayer(cache, compression, signal, async (sink) => {
    const tree = createTree('within');
    for await (const { entry, content } of ahead(entries)) {
      check(entry, tree);
      const header = headerOf(entry);
      await sink.write(header);
      offset += header.byteLength;
      const size = entry.type === 'file' ? entry.size : 0;
      const target = entry.type === 'symlink' || entry.type === 'hardlink' ? entry.target : '';
      index?.add({ ...entry, size, target, offset });
      if (entry.type !== 'file') continue;
      await addContent(sink, entry, content ?? entry.bytes());
      offset += size + paddingOf(size);
    }
    await sink.write(END);
  });
  await index?.keep(cache, layer.diffId);
  return layer;
}

type Content = ReturnType<Extract<TreeEntry, { type: 'file' }>['bytes']>;

interface Ahead {
  readonly entry: TreeEntry;
  /** Null: to be asked for when its turn comes. */
  readonly content: Content | null;
  readonly cost: number;
}

/** Entries with their contents already asked for, as long as those that wait are small. */
async function* ahead(entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>): AsyncGenerator<Ahead> {
  const waiting: Ahead[] = [];
  let bytes = 0;
  let from = 0;
  for await (const entry of entries) {
    const cost = entry.type === 'file' ? entry.size : 0;
    let content: Content | null = null;
    if (entry.type === 'file' && cost <= SMALL_BYTES) {
      content = entry.bytes();
      // It is waited for later, or by nobody when something fails before.
      if (content instanceof Promise) content.catch(() => undefined);
    }
    waiting.push({ entry, content, cost });
    bytes += cost;
    while (waiting.length - from > AHEAD_ENTRIES || bytes > AHEAD_BYTES) {
      const next = waiting[from++];
      if (next === undefined) break;
      bytes -= next.cost;
      yield next;
    }
    if (from <= AHEAD_ENTRIES) continue;
    waiting.splice(0, from);
    from = 0;
  }
  yield* waiting.slice(from);
}

function check(entry: TreeEntry, tree: Tree): void {
  const { path, type } = entry;
  const target = type === 'symlink' || type === 'hardlink' ? entry.target : '';
  const wrong =
    wrongPath(path) ??
    (type === 'hardlink' ? wrongPath(target) : null) ??
    (type === 'symlink' && (target === '' || /[\0\n]/.test(target))
      ? 'a symbolic link to what cannot be a path'
      : null) ??
    wrongNumbers(entry) ??
    tree.add(path, type, target);
  if (wrong !== null) throw invalid(WHAT, wrong, path);
}

function wrongNumbers(entry: TreeEntry): string | null {
  const numbers = [entry.mode, entry.uid, entry.gid, entry.type === 'file' ? entry.size : 0];
  if (numbers.some((value) => !Number.isSafeInteger(value) || value < 0)) return 'a number that is none';
  return entry.mode > 0o7777 ? 'a mode with more than permissions' : null;
}

async function addContent(sink: LayerSink, entry: { path: string; size: number }, content: Content): Promise<void> {
  let size = 0;
  const given = content instanceof Promise ? await content : content;
  if (given instanceof Uint8Array) {
    size = given.byteLength;
    if (size === entry.size) await sink.write(given);
  } else {
    for await (const piece of given) {
      size += piece.byteLength;
      if (size > entry.size) break;
      await sink.write(piece);
    }
  }
  if (size !== entry.size) {
    throw invalid(WHAT, `${size > entry.size ? 'more' : size} bytes where ${entry.size} were to come`, entry.path);
  }
  await sink.write(PADDING.subarray(0, paddingOf(size)));
}

const PADDING = Buffer.alloc(512);
