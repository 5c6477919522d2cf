/** Framing: whatever the slices of the transport, the messages come out as they went in. */
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPrefix, framePrefix, FrameReader } from '../src/frames.ts';
import { BytesMessageSchema } from '../src/generated/control_pb.ts';

function framed(messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [framePrefix(message.length), message]));
}

describe('FrameReader', () => {
  it('gives back the messages for every way of slicing the stream', () => {
    const message = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (messages, sizes) => {
          const stream = framed(messages);
          const reader = new FrameReader();
          const found: Uint8Array[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            found.push(...reader.push(stream.subarray(at, at + size)));
            at += size;
          }
          expect(found.map((one) => [...one])).toEqual(messages.map((one) => [...one]));
          expect(reader.partial).toBe(false);
        },
      ),
    );
  });

  it('knows when the stream stops in the middle of a message', () => {
    const reader = new FrameReader();
    expect(reader.push(framed([Buffer.from('abc')]).subarray(0, 6))).toEqual([]);
    expect(reader.partial).toBe(true);
  });

  it('refuses compressed messages and lengths that cannot be', () => {
    expect(() => new FrameReader().push(Buffer.from([1, 0, 0, 0, 0]))).toThrow(/compressed/);
    expect(() => new FrameReader().push(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))).toThrow(/4294967295 bytes/);
  });
});

describe('bytesPrefix', () => {
  it('and the bytes are a framed message of bytes, whatever their number', () => {
    for (const length of [0, 1, 127, 128, 16_383, 16_384, 300_000]) {
      const bytes = Buffer.alloc(length, 'x');
      const [message] = new FrameReader().push(Buffer.concat([bytesPrefix(length), bytes]));
      expect(Buffer.compare(fromBinary(BytesMessageSchema, message!).data, bytes)).toBe(0);
    }
  });
});
