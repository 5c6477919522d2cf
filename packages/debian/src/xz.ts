/** Decompression of `.xz`, off this thread and bounded. Loaded when something is compressed that way. */

/** Pieces that are handed to the decoder. */
const CHUNK = 64 << 10;

/** What the bytes hold. Rejects with a `RangeError` when it is more than `maxBytes`, and with whatever the decoder says of bytes that are no xz. */
export async function unxz(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const { xz } = await import('@napi-rs/lzma');
  let at = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, (at += CHUNK)));
    },
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of xz.decompressStream(source)) {
    size += part.length;
    if (size > maxBytes) throw new RangeError(`more than ${maxBytes} bytes when decompressed`);
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}
