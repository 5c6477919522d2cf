/** The server side of gRPC, on a connection that we opened: BuildKit calls back into its client over it. */
import type { Duplex } from 'node:stream';
import { performServerHandshake } from 'node:http2';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { framePrefix, FrameReader, WINDOW } from './frames.ts';
import { GrpcCode, GrpcError, trailersOf } from './status.ts';

/** One call of the other side. */
export interface ServerCall {
  /** Values of a header, one for each time it was sent. */
  header(name: string): readonly string[];
  /** The messages of the other side, until it is done. */
  messages(): AsyncIterable<Uint8Array>;
  /** Sends one message, given in parts; resolves when more may be sent. The parts must not change afterwards. */
  send(...parts: readonly Uint8Array[]): Promise<void>;
}

/** The other side ended a call while it was answered, as it may: nobody's fault. */
export class CallEnded extends Error {
  constructor() {
    super('the other side ended the call');
    this.name = 'CallEnded';
  }
}

/** Answers a call; rejects with {@link GrpcError} to say no. */
export type Handler = (call: ServerCall) => Promise<void>;

/** Serves calls by path on a byte stream. `fault` gets what a handler threw that is no {@link GrpcError}: the other side is told only its message. */
export function serve(
  socket: Duplex,
  handlers: ReadonlyMap<string, Handler>,
  fault: (error: unknown) => void,
): ServerHttp2Session {
  const session = performServerHandshake(socket, { settings: { initialWindowSize: WINDOW } });
  session.setLocalWindowSize(WINDOW);
  session.on('stream', (stream, headers, _flags, rawHeaders) => {
    // A stream that the other side resets ends its handler through `messages` and `send`.
    stream.on('error', () => undefined);
    const handler = handlers.get(String(headers[':path']));
    void answer(stream, rawHeaders as unknown as readonly string[], handler, fault);
  });
  // The calls on it fail by themselves, and the build with them.
  session.on('error', () => undefined);
  socket.on('error', () => undefined);
  socket.once('close', () => session.destroy());
  return session;
}

async function answer(
  stream: ServerHttp2Stream,
  rawHeaders: readonly string[],
  handler: Handler | undefined,
  fault: (error: unknown) => void,
): Promise<void> {
  let error: GrpcError | null = null;
  // A call can arrive while the session ends: nobody waits for its answer.
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers(trailersOf(error)));
  try {
    if (!handler) throw new GrpcError(GrpcCode.unimplemented, 'not served here');
    await handler(callOn(stream, rawHeaders));
  } catch (caught) {
    if (caught instanceof GrpcError) error = caught;
    else {
      error = new GrpcError(GrpcCode.aborted, caught instanceof Error ? caught.message : String(caught));
      if (!stream.aborted && !(caught instanceof CallEnded)) fault(caught);
    }
  }
  if (!stream.destroyed) stream.end();
}

function callOn(stream: ServerHttp2Stream, rawHeaders: readonly string[]): ServerCall {
  return {
    header(name) {
      const values: string[] = [];
      for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
        if (rawHeaders[i] === name) values.push(rawHeaders[i + 1] ?? '');
      }
      return values;
    },
    async *messages() {
      const reader = new FrameReader();
      // Whoever stops reading may still want to write: the default would destroy the stream.
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield* reader.push(chunk as Uint8Array);
    },
    send(...parts) {
      if (stream.destroyed) return Promise.reject(new CallEnded());
      // Together, so that they travel in one frame where they fit.
      stream.cork();
      let isRoom = stream.write(framePrefix(parts.reduce((sum, { length }) => sum + length, 0)));
      for (const part of parts) isRoom = stream.write(part);
      stream.uncork();
      if (isRoom) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const done = () => {
          stream.off('drain', done);
          stream.off('close', done);
          if (stream.destroyed) reject(new CallEnded());
          else resolve();
        };
        stream.on('drain', done);
        stream.on('close', done);
      });
    },
  };
}
