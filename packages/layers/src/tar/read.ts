import { failure } from '../failures.ts';
import type { ReadOptions } from '../limits.ts';
import type { TarEntry } from './entry.ts';

export async function* readTar(_bytes: AsyncIterable<Uint8Array>, options: ReadOptions = {}): AsyncGenerator<TarEntry> {
  yield await Promise.reject<TarEntry>(failure('ARCHIVE_INVALID', `${options.name}: not yet`));
}
