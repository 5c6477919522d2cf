/** Zip archives as wheels use them: the directory by yauzl, the data by us, since nothing in either is believed. */
import { closeSync, openSync, read as readCallback, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { createInflateRaw, inflateRaw as inflateRawCallback, inflateRawSync, crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';
import { failure, wordsOf } from '../failures.ts';
import { checkPath, checkTree } from './paths.ts';

const readAt = promisify(readCallback);
const inflateRaw = promisify(inflateRawCallback);

/** A file of an archive. */
export interface ZipFile {
  /** Relative, POSIX, normal. */
  readonly path: string;
  /** Permission bits of Unix; 0 where the archive has none. */
  readonly mode: number;
  /** In bytes, as the directory says; not believed before it was read. */
  readonly size: number;
  readonly packed: number;
  readonly crc: number;
  readonly isDeflated: boolean;
  /** Of its local header. */
  readonly offset: number;
  /** Where what comes after it begins: its data ends before. */
  readonly limit: number;
  readonly rawName: Buffer;
}

/** An archive that is open. */
export interface Zip {
  /** In the order of the directory; folders are left out. */
  readonly files: readonly ZipFile[];
  /** The checked content of a file. */
  read(file: ZipFile): Promise<Buffer>;
  /** The same in parts, for what is large. The last part comes only after all is checked. */
  stream(file: ZipFile): AsyncGenerator<Uint8Array>;
  close(): void;
}

/** More entries than any wheel has. */
const MAX_FILES = 200_000;
const MAX_TOTAL = 32 * 1024 ** 3;
/** Deflate can do 1,032 : 1; wheels do 3 : 1, and hardly one 50 : 1. */
const MAX_RATIO = 200;
const RATIO_FREE = 64 << 20;
const HEADER = 30;
const SPARE = 128;
/** Space for the extra fields of a local header, so that one read mostly suffices. */
const EXTRA = 64;
/** Below this many packed bytes the way to another thread costs more than the work. */
const SMALL = 16 << 10;
/** What is read and inflated at once of what is large. */
const CHUNK = 256 << 10;
/** What is read at once of a directory. */
const WINDOW = 1 << 20;

/** Opens the archive in `path`. `name`: for people. Rejects with `WHEEL_INVALID` for what no wheel may be or hold. */
export async function openZip(path: string, size: number, name: string): Promise<Zip> {
  const fd = openSync(path, 'r');
  try {
    const files = await directory(fd, size, name);
    return {
      files,
      read: async (file) => content(fd, file, name),
      stream: (file) => parts(fd, file, name),
      close: () => closeSync(fd),
    };
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

function refuse(name: string, words: string): Error {
  return failure('WHEEL_INVALID', `${name}: ${words}`);
}

function wrongSize(name: string, { path }: ZipFile): Error {
  return refuse(name, `${JSON.stringify(path)} has not the size that the directory says`);
}

async function directory(fd: number, size: number, name: string): Promise<readonly ZipFile[]> {
  const found: { readonly entry: Entry; readonly path: string }[] = [];
  const folders = new Set<string>();
  let total = 0;
  try {
    const reader = new WindowReader(fd, size);
    const zip = await fromRandomAccessReaderPromise(reader, size, {
      autoClose: false,
      strictFileNames: true,
      decodeStrings: true,
    });
    if (zip.entryCount > MAX_FILES) throw refuse(name, `${zip.entryCount} entries are more than a wheel may have`);
    for await (const entry of zip.eachEntry()) {
      const isFolder = entry.fileName.endsWith('/');
      const at = isFolder ? entry.fileName.slice(0, -1) : entry.fileName;
      const problem = checkPath(at) ?? checkEntry(entry, isFolder);
      if (problem !== null) throw refuse(name, `${JSON.stringify(at)} ${problem}`);
      total += entry.uncompressedSize;
      if (total > MAX_TOTAL || total > size * MAX_RATIO + RATIO_FREE) {
        throw refuse(name, `it would unpack to more than ${total} bytes: a zip bomb`);
      }
      if (isFolder) folders.add(at);
      else found.push({ entry, path: at });
    }
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'BuildFailure') throw thrown;
    throw failure('WHEEL_INVALID', `${name}: ${wordsOf(thrown)}`, thrown);
  }
  const problem = checkTree(
    found.map(({ path }) => path),
    folders,
  );
  if (problem !== null) throw refuse(name, problem);
  return withLimits(found, size, name);
}

function checkEntry(entry: Entry, isFolder: boolean): string | null {
  if (entry.isEncrypted()) return 'is encrypted';
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    return `is compressed by a method that wheels do not use (${entry.compressionMethod})`;
  }
  // The upper half are Unix's mode, whatever system is said to have made the entry: unpackers look at it, too.
  const type = (entry.externalFileAttributes >>> 28) & 0o17;
  if (type === 0o12) return 'is a symbolic link';
  if (type !== 0 && type !== (isFolder ? 0o04 : 0o10)) return 'is neither a file nor a folder';
  if (isFolder && entry.uncompressedSize > 0) return 'is a folder with content';
  return null;
}

/** Each entry's data has to end before the next one begins: entries that share data are how small bombs get large. */
function withLimits(
  found: readonly { readonly entry: Entry; readonly path: string }[],
  size: number,
  name: string,
): readonly ZipFile[] {
  const offsets = found.map(({ entry }) => entry.relativeOffsetOfLocalHeader).toSorted((a, b) => a - b);
  const next = new Map<number, number>();
  for (const [i, offset] of offsets.entries()) {
    if (next.has(offset)) throw refuse(name, 'two entries are in the same place of the archive');
    next.set(offset, offsets[i + 1] ?? size);
  }
  return found.map(({ entry, path }) => {
    const offset = entry.relativeOffsetOfLocalHeader;
    const limit = next.get(offset) ?? size;
    if (offset + HEADER + entry.fileNameLength + entry.compressedSize > limit) {
      throw refuse(name, `${JSON.stringify(path)} overlaps with what comes after it`);
    }
    return {
      path,
      mode: (entry.externalFileAttributes >>> 16) & 0o777,
      size: entry.uncompressedSize,
      packed: entry.compressedSize,
      crc: entry.crc32,
      isDeflated: entry.compressionMethod === 8,
      offset,
      limit,
      rawName: entry.fileNameRaw,
    };
  });
}

/** Where the data of a file begins in `head`, which are bytes from its local header on. The header has to be of the same file. */
function dataStart(head: Buffer, file: ZipFile, name: string): number {
  if (head.length < HEADER || head.readUInt32LE(0) !== 0x04034b50) {
    throw refuse(name, `${JSON.stringify(file.path)} is not where the directory says`);
  }
  const nameLength = head.readUInt16LE(26);
  const start = HEADER + nameLength + head.readUInt16LE(28);
  // Unpackers that read from the front would see another archive.
  if (!head.subarray(HEADER, HEADER + nameLength).equals(file.rawName)) {
    throw refuse(name, `${JSON.stringify(file.path)} has another name in its own header`);
  }
  if (file.offset + start + file.packed > file.limit) {
    throw refuse(name, `${JSON.stringify(file.path)} overlaps with what comes after it`);
  }
  return start;
}

/** Where small entries are read to: they are unpacked before anything else runs. Larger than any of them with its header. */
const scratch = Buffer.allocUnsafeSlow(SMALL + HEADER + 2 * 0x10000);

/** Packed bytes of a small entry, which are gone with the next call. */
function packedNow(fd: number, file: ZipFile, name: string): Buffer {
  const size = Math.min(scratch.length, file.limit - file.offset, HEADER + file.rawName.length + EXTRA + file.packed);
  let raw = scratch.subarray(0, readSync(fd, scratch, 0, size, file.offset));
  const start = dataStart(raw, file, name);
  if (start + file.packed > raw.length)
    raw = scratch.subarray(0, readSync(fd, scratch, 0, start + file.packed, file.offset));
  return raw.subarray(start, start + file.packed);
}

async function packedLater(fd: number, file: ZipFile, name: string): Promise<Buffer> {
  const at = async (length: number): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, (await readAt(fd, buffer, 0, length, file.offset)).bytesRead);
  };
  let raw = await at(Math.min(HEADER + file.rawName.length + EXTRA + file.packed, file.limit - file.offset));
  const start = dataStart(raw, file, name);
  if (start + file.packed > raw.length) raw = await at(start + file.packed);
  return raw.subarray(start, start + file.packed);
}

async function content(fd: number, file: ZipFile, name: string): Promise<Buffer> {
  const isSmall = file.packed <= SMALL && file.isDeflated;
  const packed = isSmall ? packedNow(fd, file, name) : await packedLater(fd, file, name);
  if (packed.length < file.packed) throw refuse(name, 'it is cut off');
  let bytes = packed;
  if (file.isDeflated) {
    // Never more than the directory says, which the bounds are about; in one piece with some room, so that one call suffices.
    const options = { maxOutputLength: Math.max(file.size, 1), chunkSize: file.size + SPARE };
    try {
      bytes = isSmall ? inflateRawSync(packed, options) : await inflateRaw(packed, options);
    } catch (thrown) {
      if (thrown instanceof RangeError) throw wrongSize(name, file);
      throw failure('WHEEL_INVALID', `${name}: ${JSON.stringify(file.path)}: ${wordsOf(thrown)}`, thrown);
    }
  }
  if (bytes.length !== file.size) throw wrongSize(name, file);
  if (crc32(bytes) !== file.crc) throw refuse(name, `${JSON.stringify(file.path)} does not fit its checksum`);
  return bytes;
}

async function* parts(fd: number, file: ZipFile, name: string): AsyncGenerator<Uint8Array> {
  const head = Buffer.allocUnsafe(Math.min(HEADER + 0xffff * 2, file.limit - file.offset));
  const { bytesRead } = await readAt(fd, head, 0, head.length, file.offset);
  const start = file.offset + dataStart(head.subarray(0, bytesRead), file, name);
  let crc = 0;
  let size = 0;
  let held: Uint8Array | null = null;
  try {
    for await (const chunk of file.isDeflated
      ? inflated(fd, start, file.packed)
      : packedParts(fd, start, file.packed, null)) {
      size += chunk.length;
      if (size > file.size) break;
      crc = crc32(chunk, crc);
      if (held !== null) yield held;
      held = chunk;
    }
  } catch (thrown) {
    throw failure('WHEEL_INVALID', `${name}: ${JSON.stringify(file.path)}: ${wordsOf(thrown)}`, thrown);
  }
  if (size !== file.size) throw wrongSize(name, file);
  if (crc !== file.crc) throw refuse(name, `${JSON.stringify(file.path)} does not fit its checksum`);
  if (held !== null) yield held;
}

/** `reused`: one buffer for all parts, each gone when the next one is asked for. */
async function* packedParts(fd: number, start: number, length: number, reused: Buffer | null): AsyncGenerator<Buffer> {
  for (let done = 0; done < length;) {
    const buffer = reused ?? Buffer.allocUnsafeSlow(CHUNK);
    const { bytesRead } = await readAt(fd, buffer, 0, Math.min(buffer.length, length - done), start + done);
    if (bytesRead === 0) throw new Error('it is cut off');
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function inflated(fd: number, start: number, length: number): AsyncIterable<Buffer> {
  const inflate = createInflateRaw({ chunkSize: CHUNK });
  void (async () => {
    try {
      for await (const part of packedParts(fd, start, length, Buffer.allocUnsafeSlow(CHUNK))) {
        if (inflate.destroyed) return;
        await new Promise<void>((resolve) => void inflate.write(part, () => resolve()));
      }
      inflate.end();
    } catch (thrown) {
      inflate.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  })();
  return inflate;
}

/** Serves the small reads of a directory from large ones. */
class WindowReader extends RandomAccessReader {
  readonly #fd: number;
  readonly #size: number;
  #window: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(fd: number, size: number) {
    super();
    this.#fd = fd;
    this.#size = size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (problem: Error | null, bytesRead?: number) => void,
  ): void {
    try {
      if (position < this.#start || position + length > this.#start + this.#window.length) {
        const window = Buffer.allocUnsafe(Math.max(length, Math.min(WINDOW, Math.max(this.#size - position, 0))));
        this.#window = window.subarray(0, readSync(this.#fd, window, 0, window.length, position));
        this.#start = position;
      }
      const from = position - this.#start;
      const count = this.#window.copy(buffer, offset, from, from + length);
      callback(count < length ? new Error('the archive is cut off') : null, count);
    } catch (thrown) {
      callback(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  override close(callback: (problem: Error | null) => void): void {
    callback(null);
  }
}
