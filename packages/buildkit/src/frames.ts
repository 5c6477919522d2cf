/** Length-prefixed messages of gRPC: one byte of flags, four of length, then the message. */

const PREFIX = 5;

/** No answer or request of BuildKit comes near this; a length beyond it means that the stream is not gRPC. */
const MAX_MESSAGE = 64 * 1024 * 1024;

/** What the other side may send before we have taken it: with HTTP/2's 64 KiB, logs and layers would wait for us on every way there and back. */
export const WINDOW = 4 * 1024 * 1024;

/** The five bytes that go before a message of `length` bytes. */
export function framePrefix(length: number): Uint8Array {
  const prefix = new Uint8Array(PREFIX);
  new DataView(prefix.buffer).setUint32(1, length);
  return prefix;
}

/** Cuts a byte stream into messages, however the transport has sliced it. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** Takes the next bytes and returns the messages that are whole by now. Throws on what cannot be gRPC. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const messages: Uint8Array[] = [];
    while (this.#length >= PREFIX) {
      const prefix = this.#peek(PREFIX);
      if (prefix[0] !== 0) throw new Error('compressed gRPC message, though none was asked for');
      const size = new DataView(prefix.buffer, prefix.byteOffset).getUint32(1);
      if (size > MAX_MESSAGE) throw new Error(`gRPC message of ${size} bytes`);
      if (this.#length < PREFIX + size) break;
      messages.push(this.#take(PREFIX + size).subarray(PREFIX));
    }
    return messages;
  }

  /** Whether the stream stopped in the middle of a message. */
  get partial(): boolean {
    return this.#length > 0;
  }

  #peek(count: number): Uint8Array {
    const first = this.#chunks[0];
    if (first && first.length >= count) return first.subarray(0, count);
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all.subarray(0, count);
  }

  #take(count: number): Uint8Array {
    const first = this.#chunks[0];
    const all = first && first.length >= count ? first : Buffer.concat(this.#chunks);
    if (all !== first) this.#chunks = [all];
    const rest = all.subarray(count);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#length -= count;
    return all.subarray(0, count);
  }
}

/** What goes before `length` bytes that are the only field, number 1, of a message: its frame's prefix, the field's tag and its length. */
export function bytesPrefix(length: number): Uint8Array {
  // An empty field is left out, but its tag and length of zero mean the same.
  const field = [0x0a, ...varint(length)];
  const prefix = new Uint8Array(PREFIX + field.length);
  new DataView(prefix.buffer).setUint32(1, field.length + length);
  prefix.set(field, PREFIX);
  return prefix;
}

/** A whole number as protobuf writes it: seven bits a byte, the lowest first. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}
