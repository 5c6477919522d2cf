/** Decompression. */
import { failure } from './failures.ts';
import type { ReadOptions } from './limits.ts';

export async function* decompress(
  _bytes: AsyncIterable<Uint8Array>,
  _mediaType: string | null,
  options: ReadOptions = {},
): AsyncGenerator<Uint8Array> {
  yield await Promise.reject<Uint8Array>(failure('ARCHIVE_INVALID', `${options.name}: not yet`));
}
