/** A tar as it stands as a layer: the root file system that somebody made. */
import { basename } from 'node:path';
import type { Cache } from '@rebake/cache';
import { BuildFailure, type Digest } from '@rebake/image';
import { decompress } from './decompress.ts';
import { invalid } from './failures.ts';
import type { Limits } from './limits.ts';
import { beginIndex } from './fs/layer-index.ts';
import { COMPRESSION_VERSION } from './compress.ts';
import { checked, checkMoved } from './moved.ts';
import { intoLayer, type LayerFact } from './sink.ts';
import type { TarEntry } from './tar/entry.ts';
import { readTar } from './tar/read.ts';
import type { Layer } from './types.ts';
import type { WriteOptions } from './write.ts';

export interface ImportOptions extends WriteOptions {
  readonly limits?: Partial<Limits>;
}

/** Devices that every tool puts into a root file system, and every engine into a container. */
const DEVICES: Readonly<Record<string, string>> = {
  'dev/null': '1:3',
  'dev/zero': '1:5',
  'dev/full': '1:7',
  'dev/random': '1:8',
  'dev/urandom': '1:9',
  'dev/tty': '5:0',
  'dev/console': '5:1',
  'dev/ptmx': '5:2',
};

/**
 * Takes a tar (plain, gzip or zstd) as a layer, byte for byte. `expected` is the digest of the file as it is. Rejects with `INPUT_MOVED` when it is
 * another file by now, and with `ARCHIVE_INVALID` for all that `readTar` refuses, and for pipes, whiteouts, and devices but the usual
 * ones in `dev`. What was read once is not read again.
 */
export async function importTar(cache: Cache, file: string, expected: Digest, options: ImportOptions): Promise<Layer> {
  const { compression, signal, limits = {} } = options;
  return cache.once<LayerFact>(
    'imported-tar',
    `${compression}@${COMPRESSION_VERSION} ${expected}`,
    async (making) => {
      try {
        const index = beginIndex();
        const value = await intoLayer(cache, compression, making, async (sink) => {
          const tapped = tap(
            decompress(checked(file, expected), null, { ...limits, name: basename(file) }),
            async (piece) => sink.write(piece),
          );
          for await (const entry of readTar(tapped, { ...limits, name: basename(file) })) {
            checkEntry(basename(file), entry);
            index.add(entry);
          }
        });
        await index.keep(cache, value.diffId);
        return { value: { ...value }, blobs: [value.digest] };
      } catch (error) {
        // What was changed looks torn before its digest is known.
        if (error instanceof BuildFailure && error.error.code === 'ARCHIVE_INVALID')
          await checkMoved(file, expected, error);
        throw error;
      }
    },
    signal,
  );
}

/** Every piece goes to `to` before it goes on. */
async function* tap(
  bytes: AsyncIterable<Uint8Array>,
  to: (piece: Uint8Array) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    await to(piece);
    yield piece;
  }
}

function checkEntry(archive: string, { path, type, device }: TarEntry): void {
  if (type === 'fifo') throw invalid(archive, 'a pipe', path);
  if (type === 'block' || (type === 'character' && DEVICES[path] !== device)) throw invalid(archive, 'a device', path);
  if (path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.')) {
    throw invalid(archive, 'a name by which layers remove files of others', path);
  }
}
