/**
 * Wheels as they are kept: unpacked into one blob, every file of it checked once. An environment on another base, with another compression or with
 * bytecode is made of the same files, and unpacking and checking them again is most of the work.
 */
import { close, openSync, read as readCallback, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { compareBytes, digestOf, type Digest } from '@rebake/image';
import type { Cache } from '@rebake/cache';
import { failure } from '../failures.ts';
import type { Gate } from '../layer/gate.ts';
import { openWheel, type ExpectedWheel, type Wheel, type WheelFile } from './wheel.ts';

const readAt = promisify(readCallback);

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
  const window = createWindow(fd);
  let offset = 0;
  const files = facts.files.map(([path, mode, size, hash]): WheelFile => {
    const at = offset;
    offset += size;
    return {
      path,
      mode,
      size,
      hash,
      read: async () => Promise.resolve(window(at, size)),
      stream: () => parts(fd, at, size),
    };
  });
  return { file, files, distInfo: facts.distInfo, data: facts.data, close: () => close(fd) };
}

function gone(file: string, cause?: unknown): Error {
  return failure('WHEEL_MISSING', `${file} is not in the cache any more: run again`, cause);
}

/** Reads what is asked for in about the order of the blob. It is hardly ever not in memory: the way to another thread would cost more. */
function createWindow(fd: number): (offset: number, size: number) => Buffer {
  let window: Buffer = Buffer.alloc(0);
  let start = 0;
  const fill = (offset: number, size: number): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(size);
    return bytes.subarray(0, readSync(fd, bytes, 0, size, offset));
  };
  return (offset, size) => {
    if (size >= WINDOW) return fill(offset, size);
    if (offset < start || offset + size > start + window.length) {
      window = fill(offset, WINDOW);
      start = offset;
    }
    return window.subarray(offset - start, offset - start + size);
  };
}

async function* parts(fd: number, offset: number, size: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < size;) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(WINDOW, size - done));
    const { bytesRead } = await readAt(fd, buffer, 0, buffer.length, offset + done);
    if (bytesRead === 0) return;
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
