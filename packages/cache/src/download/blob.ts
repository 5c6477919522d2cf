/** One file into the cache: goes on where it stopped, and believes nothing but the digest. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { BuildFailure } from '@rebake/image';
import type { Cache, CacheWriter } from '../types.ts';
import { Passing, withRetries, type Pause } from './retry.ts';
import { statusFailure } from './status.ts';
import { transportFailure, type Answer, type Transport } from './transport.ts';
import type { Download } from './types.ts';
import { blobMismatch, downloadFailed, downloadRefused, filePath } from './words.ts';

/** Files above this size, in bytes, have to find room first. */
const ROOM_BYTES = 8 << 20;

export interface BlobMeans {
  readonly cache: Cache;
  readonly transport: Transport;
  readonly pause: Pause;
  readonly signal: AbortSignal;
  readonly onBytes: (done: number) => void;
}

/** What has come of a file so far. `validator`: by which the other side knows the same version of it again. */
interface Partial {
  readonly writer: CacheWriter;
  done: number;
  validator: string | undefined;
  /** Whether it was put together from several answers. */
  isPieced: boolean;
}

export async function fetchBlob(url: URL, what: Download, means: BlobMeans): Promise<void> {
  const { cache, transport, pause, signal } = means;
  let part: Partial | null = null;
  let furthest = 0;

  async function drop(): Promise<void> {
    const old = part;
    part = null;
    await old?.writer.abort();
  }

  async function attempt(progress: () => void): Promise<void> {
    try {
      await transport.get(url, rangeOf(part), signal, async (answer) => {
        if (!goesOn(answer, part)) {
          await drop();
          // 416: there is no such part of it.
          if (answer.status === 206 || answer.status === 416)
            throw new Passing(downloadFailed(url, 'it sends another part than the one asked for'));
        }
        if (answer.status !== 200 && answer.status !== 206) throw statusFailure(url, answer);
        part ??= await begin(cache, what, answer, url);
        const onBytes = (done: number): void => {
          if (done > furthest) progress();
          furthest = Math.max(furthest, done);
          means.onBytes(done);
        };
        await take(part, answer.body, { url, what, onBytes });
      });
    } catch (error) {
      throw transportFailure(error, url, signal);
    }
    if (part === null) throw new Error('a body that was taken is a part');
    await finish(part, url, what, drop);
  }

  try {
    await withRetries(attempt, { pause, signal });
  } finally {
    await drop();
  }
}

function rangeOf(part: Partial | null): Record<string, string> {
  if (part === null || part.done === 0) return {};
  const condition = part.validator === undefined ? {} : { 'if-range': part.validator };
  return { range: `bytes=${part.done}-`, ...condition };
}

/** Whether an answer brings what comes next of what is there. */
function goesOn({ status, header }: Answer, part: Partial | null): boolean {
  if (part === null) return status !== 206 && status !== 416;
  if (status !== 206) return status !== 200 && status !== 416;
  const [, start] = /^bytes (\d+)-/.exec(header('content-range') ?? '') ?? [];
  if (Number(start) !== part.done) return false;
  part.isPieced = true;
  return true;
}

async function begin(cache: Cache, { size, name }: Download, { header }: Answer, url: URL): Promise<Partial> {
  const length = header('content-length');
  const told = length === undefined ? null : Number(length);
  if (size !== undefined && size !== null && told !== null && told !== size) {
    throw blobMismatch(url, name, `${told} bytes where ${size} were expected`);
  }
  const expected = size ?? told ?? 0;
  if (expected > ROOM_BYTES) await cache.room(expected);
  const etag = header('etag');
  // A weak tag does not say that the bytes are the same.
  const validator = etag === undefined || etag.startsWith('W/') ? header('last-modified') : etag;
  return { writer: await cache.begin(), done: 0, validator, isPieced: false };
}

interface Taking {
  readonly url: URL;
  readonly what: Download;
  readonly onBytes: (done: number) => void;
}

async function take(part: Partial, body: AsyncIterable<Uint8Array>, { url, what, onBytes }: Taking): Promise<void> {
  const { size, name } = what;
  for await (const chunk of body) {
    if (size !== undefined && size !== null && part.done + chunk.byteLength > size) {
      throw blobMismatch(url, name, `more than the ${size} bytes that were expected`);
    }
    await part.writer.append(chunk);
    part.done += chunk.byteLength;
    onBytes(part.done);
  }
  if (size !== undefined && size !== null && part.done < size) {
    throw new Passing(downloadFailed(url, `it ended after ${part.done} of ${size} bytes`));
  }
}

async function finish(part: Partial, url: URL, what: Download, drop: () => Promise<void>): Promise<void> {
  const { isPieced } = part;
  try {
    await part.writer.commit({ digest: what.digest });
  } catch (error) {
    if (!(error instanceof BuildFailure) || error.error.code !== 'BLOB_MISMATCH') throw error;
    const failure = blobMismatch(url, what.name, error.error.words);
    await drop();
    // Pieces of two versions: the whole at once may be right.
    throw isPieced ? new Passing(failure) : failure;
  }
}

/** A file of this machine: the same checks, and no second try. */
export async function copyBlob(url: URL, what: Download, { cache, signal, onBytes }: BlobMeans): Promise<void> {
  const { size, name, digest } = what;
  const path = filePath(url);
  const found = await stat(path).catch((error: unknown) => fileRefused(url, error));
  if (!found.isFile()) throw downloadRefused(url, 'it is no file');
  if (size !== undefined && size !== null && found.size !== size) {
    throw blobMismatch(url, name, `${found.size} bytes where ${size} were expected`);
  }
  await cache.room(found.size);
  const writer = await cache.begin();
  try {
    const part: Partial = { writer, done: 0, validator: undefined, isPieced: false };
    await take(part, createReadStream(path, { signal }), {
      url,
      what: { ...what, size: found.size },
      onBytes,
    });
    await finish(part, url, { ...what, digest }, async () => writer.abort());
  } catch (error) {
    await writer.abort();
    signal.throwIfAborted();
    throw error instanceof Passing ? error.failure : error;
  }
}

/** What the operating system says of a file that cannot be read. */
export function fileRefused(url: URL, error: unknown): never {
  throw downloadRefused(url, error instanceof Error ? error.message : String(error));
}
