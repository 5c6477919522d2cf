/** The client side of gRPC over one HTTP/2 connection, which is opened when first needed and again after it was lost. */
import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { constants } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { openConnection } from './connection.ts';
import type { Connect, Connection } from './connection.ts';
import { framePrefix, FrameReader } from './frames.ts';
import { everyByClock } from './heartbeat.ts';
import type { Every } from './heartbeat.ts';
import { ConnectionLost, GrpcError, statusOf } from './status.ts';

/** A method of a service: its path and the types of its messages. */
export interface Method<Request extends DescMessage, Answer extends DescMessage> {
  readonly path: string;
  readonly request: Request;
  readonly answer: Answer;
}

/** A call whose messages are left to whoever opened it. */
export interface RawCall {
  readonly stream: ClientHttp2Stream;
  /** Says that something came. */
  heard(): void;
}

/** One server. Calls may run side by side; an idle connection does not keep the process alive. */
export class Channel {
  readonly #connect: Connect;
  readonly #every: Every;
  #connection: Promise<Connection> | null = null;
  #closing = new AbortController();

  /** `every`: the clock by which silence is noticed. */
  constructor(connectTo: Connect, { every = everyByClock }: { readonly every?: Every } = {}) {
    this.#connect = connectTo;
    this.#every = every;
  }

  /** A call with one answer. */
  async unary<Request extends DescMessage, Answer extends DescMessage>(
    method: Method<Request, Answer>,
    request: MessageInitShape<Request>,
    signal: AbortSignal,
  ): Promise<MessageShape<Answer>> {
    let answer: MessageShape<Answer> | undefined;
    for await (const message of this.stream(method, request, signal)) answer = message;
    if (answer === undefined) throw new ConnectionLost('the call ended without an answer');
    return answer;
  }

  /**
   * A call with many answers. Leaving the loop cancels it. Rejects with the signal's reason when aborted, with {@link GrpcError} when the
   * server says so, with {@link ConnectionLost} when the connection ended or nothing has come over it for 8 s.
   */
  async *stream<Request extends DescMessage, Answer extends DescMessage>(
    method: Method<Request, Answer>,
    request: MessageInitShape<Request>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<Answer>, void> {
    signal.throwIfAborted();
    const connection = await unlessAborted(this.#live(), signal);
    signal.throwIfAborted();
    const letGo = connection.hold();
    const call = begin(connection, method.path, {});
    let trailers: IncomingHttpHeaders = {};
    // A call that fails at once has its status in the headers, with nothing after them.
    call.on('response', (headers) => {
      connection.heard();
      trailers = { ...headers, ...trailers };
    });
    call.on('trailers', (headers) => (trailers = { ...trailers, ...headers }));
    const cancel = () => cancelCall(call);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const bytes = toBinary(method.request, create(method.request, request));
      call.write(framePrefix(bytes.length));
      call.end(bytes);
      const reader = new FrameReader();
      for await (const chunk of call) {
        connection.heard();
        for (const message of reader.push(chunk as Uint8Array)) yield fromBinary(method.answer, message);
      }
      signal.throwIfAborted();
      const error = statusOf(trailers);
      if (error) throw error;
      if (reader.partial) throw new ConnectionLost('the call ended in the middle of a message');
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof GrpcError) throw error;
      throw lostBy(connection, error);
    } finally {
      signal.removeEventListener('abort', cancel);
      if (!call.closed) cancel();
      letGo();
    }
  }

  /**
   * Opens a call in which both sides speak at will. It does not keep the process alive: other calls do, for whose sake it is there. Rejects
   * as {@link Channel.stream} does.
   */
  async open(path: string, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<RawCall> {
    signal.throwIfAborted();
    const connection = await unlessAborted(this.#live(), signal);
    signal.throwIfAborted();
    return { stream: begin(connection, path, headers), heard: () => connection.heard() };
  }

  /** Ends the connection, and with it all calls that still run. */
  async close(): Promise<void> {
    const opened = this.#connection;
    this.#connection = null;
    this.#closing.abort(new ConnectionLost('it was closed on this side'));
    this.#closing = new AbortController();
    // One that could not be opened needs no closing, and whoever opened it was told.
    const connection = await opened?.catch(() => null);
    connection?.close();
  }

  /** The connection; another one if that has ended and its events are still under way. */
  async #live(): Promise<Connection> {
    const opening = this.#open();
    const connection = await opening;
    if (connection.isOpen) return connection;
    // Another call may have seen it too, and have opened the next one by now.
    if (this.#connection === opening) this.#connection = null;
    return this.#open();
  }

  #open(): Promise<Connection> {
    if (this.#connection) return this.#connection;
    const opening = openConnection(this.#connect, this.#every, this.#closing.signal);
    const forget = () => {
      if (this.#connection === opening) this.#connection = null;
    };
    opening.then(({ session }) => {
      session.on('close', forget);
      session.on('goaway', forget);
    }, forget);
    this.#connection = opening;
    return opening;
  }
}

function begin(connection: Connection, path: string, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  return connection.session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    ...headers,
  });
}

/** Tells the other side, and does not wait for what is still to be sent: it may be that nobody reads it. */
function cancelCall(call: ClientHttp2Stream): void {
  call.close(constants.NGHTTP2_CANCEL);
  setImmediate(() => call.destroy());
}

function lostBy(connection: Connection, error: unknown): ConnectionLost {
  if (connection.lost instanceof ConnectionLost) return connection.lost;
  const cause = connection.lost ?? error;
  if (cause instanceof ConnectionLost) return cause;
  return new ConnectionLost(cause instanceof Error ? cause.message : String(cause), { cause });
}

/** For work that others wait for too: whoever is aborted stops waiting, and the work goes on. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
