/** Bytes in the portions that a reader asks for, from a stream or from a file in which it can jump. */
import type { FileHandle } from 'node:fs/promises';

export interface Pull {
  /** Bytes that were passed so far. */
  readonly offset: number;
  /** The next bytes, fewer only at the end. They are valid until the next call. */
  take(length: number): Promise<Buffer>;
  /** Passes bytes by; resolves to how many there were. */
  skip(length: number): Promise<number>;
  /** The next bytes in pieces, fewer only at the end. */
  pieces(length: number): AsyncGenerator<Buffer>;
  /** Lets go of where they come from. */
  close(): Promise<void>;
}

/** What has just been read, and not been asked for. */
interface Window {
  bytes: Buffer;
  at: number;
}

/** `more` resolves to null at the end; `jump` passes bytes by without reading them, and says how many. */
function pullFrom(
  more: () => Promise<Buffer | null>,
  jump: ((length: number) => Promise<number>) | null,
  close: () => Promise<void>,
): Pull {
  const window: Window = { bytes: Buffer.alloc(0), at: 0 };
  let offset = 0;

  async function fill(): Promise<boolean> {
    while (window.at === window.bytes.length) {
      const next = await more();
      if (next === null) return false;
      window.bytes = next;
      window.at = 0;
    }
    return true;
  }

  function next(most: number): Buffer {
    const piece = window.bytes.subarray(window.at, window.at + most);
    window.at += piece.length;
    offset += piece.length;
    return piece;
  }

  async function* pieces(length: number): AsyncGenerator<Buffer> {
    let left = length;
    while (left > 0 && (await fill())) {
      const piece = next(left);
      left -= piece.length;
      yield piece;
    }
  }

  return {
    get offset() {
      return offset;
    },
    async take(length) {
      if (window.bytes.length - window.at >= length) return next(length);
      const parts: Buffer[] = [];
      for await (const piece of pieces(length)) parts.push(piece);
      return Buffer.concat(parts);
    },
    async skip(length) {
      let left = length - next(length).length;
      if (left > 0 && jump !== null) {
        const passed = await jump(left);
        offset += passed;
        return length - left + passed;
      }
      while (left > 0 && (await fill())) left -= next(left).length;
      return length - left;
    },
    pieces,
    close,
  };
}

/** Bytes as they come. */
export function pullStream(bytes: AsyncIterable<Uint8Array>): Pull {
  const iterator = bytes[Symbol.asyncIterator]();
  let isOver = false;
  return pullFrom(
    async () => {
      if (isOver) return null;
      const { value, done } = await iterator.next();
      isOver = done === true;
      return done === true ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    },
    null,
    async () => {
      if (isOver) return;
      isOver = true;
      await iterator.return?.();
    },
  );
}

const READ_BYTES = 64 << 10;

/** Bytes of an open file from its beginning; what is skipped is not read. The file stays open. */
export function pullFile(file: FileHandle, size: number): Pull {
  let at = 0;
  return pullFrom(
    async () => {
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(0, size - at)));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      at += bytesRead;
      return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
    },
    async (length) => {
      const passed = Math.min(length, Math.max(0, size - at));
      at += passed;
      return passed;
    },
    async () => Promise.resolve(),
  );
}
