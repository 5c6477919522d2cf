/**
 * Wheels as they are kept: unpacked into one blob, every file of it checked once. An environment on another base, with another compression or with
 * bytecode is made of the same files, and unpacking and checking them again is most of the work.
 */
import { close, openSync, readSync } from 'node:fs';
import { compareBytes, digestOf, type Digest } from '@rebake/image';
import type { Cache } from '@rebake/cache';
import { failure } from '../failures.ts';
import type { Gate } from '../layer/gate.ts';
import { openWheel, type ExpectedWheel, type Wheel, type WheelFile } from './wheel.ts';

/** A wheel by its digest, and what it is expected to be. */
export interface WheelSource {
  readonly digest: Digest;
  readonly expected: ExpectedWheel;
}

/** `files`: path, mode, size and hash, in the order in which their contents stand in the blob. */
type Facts = {
  readonly blob: Digest;
  readonly distInfo: string;
  readonly data: string | null;
  readonly files: readonly (readonly [string, number, number, string])[];
};

const KIND = 'python-wheel';
/** Raised when wheels are kept in another way, or more of them is checked. */
const VERSION = 1;
/** Files from here on are written and read in parts. */
const LARGE = 4 << 20;
/** Files that are unpacked ahead of the one that is written, and their bytes. */
const AHEAD_FILES = 32;
const AHEAD_BYTES = 8 << 20;
/** What is read at once: small files come many at a time. */
const WINDOW = 1 << 20;

function keyOf({ digest, expected: { name, version } }: WheelSource): string {
  return digestOf([VERSION, digest, name, version]);
}

/**
 * Unpacks a wheel unless that was done before, in its turn where there is a `gate`. `bring` brings its file into the cache. Rejects with `WHEEL_INVALID`, or what
 * `bring` fails with.
 */
export async function unpackWheel(
  cache: Cache,
  source: WheelSource,
  bring: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  gate: Gate | null = null,
): Promise<void> {
  await cache.once<Facts>(
    KIND,
    keyOf(source),
    async (making) => {
      await bring(making);
      const { digest, expected } = source;
      const size = await cache.has(digest);
      if (size === null) throw new Error(`${expected.file} was fetched, and is not there`);
      const leave = await gate?.enter(1, making);
      try {
        const wheel = await openWheel(cache.path(digest), size, expected);
        try {
          const value = await unpack(cache, wheel, making);
          return { value, blobs: [value.blob] };
        } finally {
          wheel.close();
        }
      } finally {
        leave?.();
      }
    },
    signal,
  );
}

async function unpack(cache: Cache, wheel: Wheel, signal: AbortSignal): Promise<Facts> {
  // In the order in which layers ask for them.
  const files = wheel.files.toSorted((a, b) => compareBytes(a.path, b.path));
  const writer = await cache.begin();
  try {
    for await (const part of contents(files)) {
      signal.throwIfAborted();
      await writer.append(part);
    }
    const { digest } = await writer.commit();
    const { distInfo, data } = wheel;
    return { blob: digest, distInfo, data, files: files.map(({ path, mode, size, hash }) => [path, mode, size, hash]) };
  } finally {
    await writer.abort();
  }
}

async function* contents(files: readonly WheelFile[]): AsyncGenerator<Uint8Array> {
  const ahead: { readonly file: WheelFile; readonly bytes: Promise<Buffer> | null }[] = [];
  let waiting = 0;
  let next = 0;
  for (;;) {
    for (; next < files.length && ahead.length < AHEAD_FILES && waiting < AHEAD_BYTES; next++) {
      const file = files[next];
      if (file === undefined) break;
      const bytes = file.size < LARGE ? file.read() : null;
      // It is waited for below, or by nobody when one before it fails.
      bytes?.catch(() => undefined);
      ahead.push({ file, bytes });
      waiting += bytes === null ? 0 : file.size;
    }
    const one = ahead.shift();
    if (one === undefined) return;
    if (one.bytes === null) yield* one.file.stream();
    else {
      yield await one.bytes;
      waiting -= one.file.size;
    }
  }
}

/** Opens a wheel that was unpacked. Rejects with `WHEEL_MISSING` when it is not in the cache any more. */
export async function openUnpacked(cache: Cache, source: WheelSource): Promise<Wheel> {
  const { file } = source.expected;
  const facts = await cache.recall<Facts>(KIND, keyOf(source));
  if (facts === null) throw gone(file);
  let fd: number;
  try {
    fd = openSync(cache.path(facts.blob), 'r');
  } catch (thrown) {
    throw gone(file, thrown);
  }
  // One for whoever writes layers, in the order of the files; another for single files on the way to a compiler.
  const [written, single] = [createWindow(fd), createWindow(fd)];
  let offset = 0;
  const files = facts.files.map(([path, mode, size, hash]): WheelFile => {
    const at = offset;
    offset += size;
    return {
      path,
      mode,
      size,
      hash,
      read: async () => Promise.resolve(Buffer.from(single(at, size))),
      stream: () => parts(written, at, size),
    };
  });
  return { file, files, distInfo: facts.distInfo, data: facts.data, close: () => close(fd) };
}

function gone(file: string, cause?: unknown): Error {
  return failure('WHEEL_MISSING', `${file} is not in the cache any more: run again`, cause);
}

/** Gives bytes at a place, at most so many, and valid until it is called again. */
type Window = (offset: number, size: number) => Buffer;

/**
 * Reads what is asked for in about the order of the blob, into memory that is used again and again: fresh memory costs the collector more than the
 * reading. The blob is hardly ever not in memory, so the way to another thread would cost more, too.
 */
function createWindow(fd: number): Window {
  let memory: Buffer | null = null;
  let start = 0;
  let length = 0;
  return (offset, size) => {
    memory ??= Buffer.allocUnsafeSlow(WINDOW);
    if (size > memory.length) {
      const bytes = Buffer.allocUnsafeSlow(size);
      return bytes.subarray(0, readSync(fd, bytes, 0, size, offset));
    }
    if (offset < start || offset + size > start + length) {
      length = readSync(fd, memory, 0, memory.length, offset);
      start = offset;
    }
    return memory.subarray(offset - start, Math.min(offset - start + size, length));
  };
}

/** Each part is gone when the next one is asked for. */
async function* parts(window: Window, offset: number, size: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < size;) {
    const bytes = window(offset + done, Math.min(WINDOW, size - done));
    if (bytes.length === 0) return;
    done += bytes.length;
    yield bytes;
  }
}
