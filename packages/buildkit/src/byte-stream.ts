/** A gRPC call of byte messages in both directions as one byte stream: what `Control.Session` tunnels HTTP/2 through. */
import { Duplex } from 'node:stream';
import type { ClientHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import { FrameReader, bytesPrefix } from './frames.ts';
import { BytesMessageSchema } from './generated/control_pb.ts';

/** Larger messages make the receiver hold more before it can go on; gRPC for Go refuses those above 4 MiB. */
const MAX_MESSAGE = 1024 * 1024;

interface Written {
  readonly chunk: Buffer;
}

/** The stream ends when the call does; destroying it cancels the call. `heard` is called when something comes. */
export function byteStream(call: ClientHttp2Stream, heard: () => void): Duplex {
  const reader = new FrameReader();
  const stream = new Duplex({
    // Enough that many small frames of the tunnelled connection travel in one message.
    writableHighWaterMark: MAX_MESSAGE,
    read: () => void call.resume(),
    write: (chunk: Buffer, _encoding, done) => write(call, [chunk], done),
    writev: (written: readonly Written[], done) =>
      write(
        call,
        written.map(({ chunk }) => chunk),
        done,
      ),
    final(done) {
      call.end();
      done();
    },
    destroy(error, done) {
      if (!call.closed) call.close(constants.NGHTTP2_CANCEL);
      setImmediate(() => call.destroy());
      done(error);
    },
  });
  call.on('data', (chunk: Buffer) => {
    heard();
    try {
      for (const message of reader.push(chunk)) {
        if (!stream.push(fromBinary(BytesMessageSchema, message).data)) call.pause();
      }
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  call.on('error', (error) => stream.destroy(error));
  call.on('close', () => stream.destroy());
  call.pause();
  return stream;
}

/** As few messages as can be; `done` when the connection takes more. */
function write(call: ClientHttp2Stream, chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
  let isRoom = true;
  call.cork();
  for (const message of messagesOf(chunks)) {
    call.write(bytesPrefix(message.length));
    for (const chunk of message.chunks) isRoom = call.write(chunk);
  }
  call.uncork();
  if (isRoom || call.destroyed) {
    done();
    return;
  }
  const go = () => {
    call.off('drain', go);
    call.off('close', go);
    done();
  };
  call.on('drain', go);
  call.on('close', go);
}

function* messagesOf(chunks: readonly Buffer[]): Generator<{ length: number; chunks: Buffer[] }> {
  let message = { length: 0, chunks: [] as Buffer[] };
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += MAX_MESSAGE) {
      const piece = chunk.subarray(at, at + MAX_MESSAGE);
      if (message.length + piece.length > MAX_MESSAGE) {
        yield message;
        message = { length: 0, chunks: [] };
      }
      message.length += piece.length;
      message.chunks.push(piece);
    }
  }
  if (message.length > 0) yield message;
}
