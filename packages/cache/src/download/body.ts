/** The body of an answer as it comes in: when the connection breaks, what has come before is given all the same. */
import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** Chunks that wait above this many bytes stop the sender. */
const AHEAD_BYTES = 1 << 20;

/** Listens from now on. Iterating over the stream itself would drop what waits in it when it fails, and miss how it ended before. */
export function bodyOf(body: Readable): AsyncIterable<Uint8Array> {
  const waiting: Uint8Array[] = [];
  const wake = new EventTarget();
  let bytes = 0;
  let end: { readonly error: unknown } | 'whole' | null = null;
  const finish = (how: { readonly error: unknown } | 'whole'): void => {
    end ??= how;
    wake.dispatchEvent(new Event('more'));
  };
  body.on('data', (chunk: Uint8Array) => {
    waiting.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > AHEAD_BYTES) body.pause();
    wake.dispatchEvent(new Event('more'));
  });
  body.on('end', () => finish('whole'));
  body.on('error', (error) => finish({ error }));
  body.on('close', () => finish({ error: Object.assign(new Error('it broke off'), { code: 'ECONNRESET' }) }));

  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = waiting.shift();
      if (chunk !== undefined) {
        bytes -= chunk.byteLength;
        if (bytes <= AHEAD_BYTES && end === null) body.resume();
        yield chunk;
        continue;
      }
      if (end === 'whole') return;
      if (end !== null) throw end.error;
      await once(wake, 'more');
    }
  }
  return chunks();
}
