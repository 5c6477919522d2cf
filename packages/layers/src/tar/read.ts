/** Entries of a tar from anywhere: whatever could mean something else to another reader, or reach out of its folder, is refused. */
import { invalid } from '../failures.ts';
import { DEFAULT_LIMITS, type Limits, type ReadOptions } from '../limits.ts';
import type { TarEntry, TarType } from './entry.ts';
import { BLOCK, paddingOf } from './header.ts';
import { isEmpty, NoHeader, parseHeader, parsePax, paxNumber, textOf, type Header } from './parse.ts';
import { cleanPath, createTree, type Tree } from './paths.ts';
import { pullStream, type Pull } from './pull.ts';

const MAX_EXTENSION = 1 << 20;

const TYPES: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * Entries of a tar (decompressed). Rejects with a `BuildFailure` `ARCHIVE_INVALID` that names the archive and the entry for: paths that are absolute
 * or have `..`, hard links to what is no file of the archive before them, entries that stand there twice (folders may) or below what is no folder,
 * sparse files, kinds that are not known, numbers that are negative or too large, headers on which readers disagree, names that are not UTF-8,
 * more than the limits allow, an archive that ends too early, and anything behind its end. Symbolic links and devices are given as they are.
 */
export async function* readTar(bytes: AsyncIterable<Uint8Array>, options: ReadOptions = {}): AsyncGenerator<TarEntry> {
  yield* readEntries(pullStream(bytes), { ...options, of: 'archive' });
}

/**
 * `of`: `layer` is one of a parent that engines take as it is: hard links may lead to layers below, and the empty blocks at the end may be
 * missing, since its digest says that it is whole.
 */
export type EntryOptions = ReadOptions & { readonly of: 'archive' | 'layer' };

/** Where the reading of one archive is. */
interface State {
  readonly pull: Pull;
  readonly name: string;
  readonly limits: Limits;
  readonly of: 'archive' | 'layer';
}

/** As {@link readTar}, from where the reader can jump, too. Closes it. */
export async function* readEntries(pull: Pull, options: EntryOptions): AsyncGenerator<TarEntry> {
  const { name = 'archive', of } = options;
  const state: State = { pull, name, of, limits: { ...DEFAULT_LIMITS, ...options } };
  const tree = createTree(of === 'layer' ? 'anywhere' : 'within');
  try {
    for (let count = 1; ; count++) {
      const head = await nextHeader(state);
      if (head === null) return;
      if (count > state.limits.maxEntries) throw invalid(name, `it has more than ${state.limits.maxEntries} entries`);
      yield* one(state, tree, head);
    }
  } finally {
    await pull.close();
  }
}

async function* one(state: State, tree: Tree, head: Header): AsyncGenerator<TarEntry> {
  const { pull, name } = state;
  const { offset } = pull;
  const { bytes, left } = contentOf(state, head);
  const entry = { ...entryOf(state, tree, head), offset, bytes };
  yield entry;
  const rest = left() + paddingOf(head.size);
  if ((await pull.skip(rest)) < rest) throw invalid(name, 'the archive ends too early', head.name);
}

function contentOf(
  { pull, name }: State,
  head: Header,
): { bytes: () => AsyncGenerator<Uint8Array>; left: () => number } {
  const end = pull.offset + head.size;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield* pull.pieces(end - pull.offset);
    if (pull.offset < end) throw invalid(name, 'the archive ends too early', head.name);
  }
  return { bytes, left: () => end - pull.offset };
}

/** The next header with what extensions before it say; null at the end. */
async function nextHeader(state: State): Promise<Header | null> {
  const { pull, name } = state;
  let pax: ReadonlyMap<string, string> | null = null;
  let longName: string | null = null;
  let longLink: string | null = null;
  for (;;) {
    const isFirst = pax === null && longName === null && longLink === null;
    const block = await pull.take(BLOCK);
    if (block.length === 0 && isFirst && state.of === 'layer') return null;
    if (block.length < BLOCK) throw invalid(name, 'it ends too early');
    if (isEmpty(block)) {
      if (!isFirst) throw invalid(name, 'it ends behind the extension of a header');
      await checkEnd(state);
      return null;
    }
    const head = parsed(name, () => parseHeader(block));
    switch (head.flag) {
      case 'x':
        if (pax !== null) throw invalid(name, 'two pax headers for one entry');
        pax = await extension(state, head, parsePax);
        break;
      case 'g':
        if ((await extension(state, head, parsePax)).size > 0) {
          throw invalid(name, 'a pax header that changes all entries behind it');
        }
        break;
      case 'L':
        if (longName !== null) throw invalid(name, 'two long names for one entry');
        longName = await extension(state, head, longText);
        break;
      case 'K':
        if (longLink !== null) throw invalid(name, 'two long targets for one entry');
        longLink = await extension(state, head, longText);
        break;
      default:
        return merged(state, head, pax ?? new Map(), longName, longLink);
    }
  }
}

function merged(
  { name }: State,
  head: Header,
  pax: ReadonlyMap<string, string>,
  longName: string | null,
  longLink: string | null,
): Header {
  if ((longName !== null && pax.has('path')) || (longLink !== null && pax.has('linkpath'))) {
    throw invalid(name, 'two names for one entry', head.name);
  }
  return parsed(name, () => ({
    ...head,
    name: pax.get('path') ?? longName ?? head.name,
    link: pax.get('linkpath') ?? longLink ?? head.link,
    size: paxNumber(pax.get('size'), head.size),
    uid: paxNumber(pax.get('uid'), head.uid),
    gid: paxNumber(pax.get('gid'), head.gid),
  }));
}

async function extension<T>({ pull, name }: State, head: Header, parse: (body: Buffer) => T): Promise<T> {
  if (head.size > MAX_EXTENSION) throw invalid(name, `an extension of a header of ${head.size} bytes`);
  const body = await pull.take(head.size + paddingOf(head.size));
  if (body.length < head.size) throw invalid(name, 'it ends too early');
  return parsed(name, () => parse(body.subarray(0, head.size)));
}

/** GNU's own way of long names: NULs may end it, and stand nowhere else. */
function longText(body: Buffer): string {
  const text = textOf(body, 'a long name').replace(/\0+$/, '');
  if (text.includes('\0')) throw new NoHeader('a long name with a NUL');
  return text;
}

function entryOf({ name, limits, pull }: State, tree: Tree, head: Header): Omit<TarEntry, 'offset' | 'bytes'> {
  const refuse = (words: string): Error => invalid(name, words, head.name);
  let type = TYPES[head.flag];
  if (head.flag === 'S') throw refuse('a sparse file, which is not read here');
  if (type === undefined) throw refuse(`an entry of a kind that is not known (${JSON.stringify(head.flag)})`);
  // Before there was a flag for folders, a slash at the end said it.
  if (head.flag === '\0' && head.name.endsWith('/')) type = 'directory';
  if (type !== 'directory' && head.name.endsWith('/')) throw refuse('the path of a folder for what is none');
  if (type !== 'file' && head.size > 0) throw refuse(`${head.size} bytes of content for what has none`);
  if (pull.offset + head.size > limits.maxBytes) throw refuse(`it goes beyond ${limits.maxBytes} bytes`);
  const cleaned = cleanPath(head.name);
  if ('wrong' in cleaned) throw refuse(cleaned.wrong);
  const { path } = cleaned;
  if (path === '' && type !== 'directory') throw refuse('the root is no folder');
  const target = targetOf(type, head.link, refuse);
  const wrong = tree.add(path, type, target);
  if (wrong !== null) throw refuse(wrong);
  const { mode, uid, gid, size, device } = head;
  return { path, type, mode, uid, gid, size, target, device };
}

function targetOf(type: TarType, link: string, refuse: (words: string) => Error): string {
  if (type === 'hardlink') {
    const cleaned = cleanPath(link);
    if ('wrong' in cleaned) throw refuse(`a hard link to ${JSON.stringify(link)}: ${cleaned.wrong}`);
    return cleaned.path;
  }
  if (type !== 'symlink') return '';
  if (link === '') throw refuse('a symbolic link to nothing');
  if (link.includes('\n')) throw refuse('a symbolic link with a line break');
  return link;
}

/** Behind the end there is nothing but what fills the archive up. */
async function checkEnd({ pull, name, limits }: State): Promise<void> {
  for await (const rest of pull.pieces(Number.MAX_SAFE_INTEGER)) {
    if (!isEmpty(rest)) throw invalid(name, 'there is something behind its end');
    if (pull.offset > limits.maxBytes) throw invalid(name, `it has more than ${limits.maxBytes} bytes`);
  }
}

function parsed<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof NoHeader) throw invalid(name, error.message, undefined, error);
    throw error;
  }
}
