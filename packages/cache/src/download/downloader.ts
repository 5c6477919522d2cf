/** Fetches blobs and documents: what several ask for is fetched once, and what passes is tried again. */
import { open } from 'node:fs/promises';
import { createShared } from '../once.ts';
import { isMissing } from '../errors.ts';
import type { Cache } from '../types.ts';
import { copyBlob, fetchBlob, fileRefused } from './blob.ts';
import { realPause, withRetries, type Pause } from './retry.ts';
import { statusFailure } from './status.ts';
import { createTransport, transportFailure } from './transport.ts';
import type { DocumentOptions, DownloadAccess, Downloader } from './types.ts';
import { checkedUrl, downloadFailed, filePath } from './words.ts';

const NOTHING_THERE: ReadonlySet<number> = new Set([404, 410]);

/** Fetches into a cache. `pause`: how it waits; tests hand in their own. */
export function createDownloader(
  cache: Cache,
  access: DownloadAccess,
  { pause = realPause }: { readonly pause?: Pause } = {},
): Downloader {
  const transport = createTransport(access);
  const shared = createShared();
  const listeners = new Map<string, Set<(done: number) => void>>();

  async function document(url: URL, { maxBytes, signal, headers = {} }: DocumentOptions): Promise<Uint8Array | null> {
    const attempt = async (): Promise<Uint8Array | null> => {
      try {
        return await transport.get(url, headers, signal, async (answer) => {
          if (NOTHING_THERE.has(answer.status)) return null;
          if (answer.status !== 200) throw statusFailure(url, answer);
          return whole(url, answer.body, maxBytes);
        });
      } catch (error) {
        throw transportFailure(error, url, signal);
      }
    };
    return withRetries(attempt, { pause, signal });
  }

  return {
    async blob(what, signal, onBytes) {
      const url = checkedUrl(what.url);
      if ((await cache.has(what.digest)) !== null) return;
      const mine = listeners.get(what.digest) ?? new Set();
      listeners.set(what.digest, mine);
      if (onBytes !== undefined) mine.add(onBytes);
      const tell = (done: number): void => {
        for (const listener of mine) listener(done);
      };
      try {
        await shared.run(
          what.digest,
          async (inner) => {
            const means = { cache, transport, pause, signal: inner, onBytes: tell };
            await (url.protocol === 'file:' ? copyBlob : fetchBlob)(url, what, means);
          },
          signal,
        );
      } finally {
        if (onBytes !== undefined) mine.delete(onBytes);
        if (mine.size === 0) listeners.delete(what.digest);
      }
    },

    async document(text, options) {
      const url = checkedUrl(text);
      return url.protocol === 'file:' ? localDocument(url, options) : document(url, options);
    },

    close: async () => transport.close(),
  };
}

async function whole(url: URL, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw downloadFailed(url, `it has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function localDocument(url: URL, { maxBytes }: DocumentOptions): Promise<Uint8Array | null> {
  try {
    await using file = await open(filePath(url), 'r');
    return await whole(url, file.createReadStream({ autoClose: false }), maxBytes);
  } catch (error) {
    if (isMissing(error)) return null;
    if (error instanceof Error && 'syscall' in error) return fileRefused(url, error);
    throw error;
  }
}
