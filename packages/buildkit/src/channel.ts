/** The client side of gRPC over one HTTP/2 connection, which is opened when first needed and again after it was lost. */
import type { Duplex } from 'node:stream';
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { framePrefix, FrameReader } from './frames.ts';
import { ConnectionLost, GrpcError, statusOf } from './status.ts';

/** A method of a service: its path and the types of its messages. */
export interface Method<Request extends DescMessage, Answer extends DescMessage> {
  readonly path: string;
  readonly request: Request;
  readonly answer: Answer;
}

/** Opens a byte stream to the server on which HTTP/2 can begin. */
export type Connect = () => Promise<Duplex>;

// Answers are small but logs can come fast; the default of 64 KiB would make the server wait for us.
const WINDOW = 4 * 1024 * 1024;

/** One server. Calls may run side by side; an idle connection does not keep the process alive. */
export class Channel {
  readonly #connect: Connect;
  #session: Promise<ClientHttp2Session> | null = null;
  #calls = 0;

  constructor(connectTo: Connect) {
    this.#connect = connectTo;
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
   * server says so, with {@link ConnectionLost} when the connection ended.
   */
  async *stream<Request extends DescMessage, Answer extends DescMessage>(
    method: Method<Request, Answer>,
    request: MessageInitShape<Request>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<Answer>, void> {
    signal.throwIfAborted();
    const session = await this.#live();
    signal.throwIfAborted();
    this.#hold(session, +1);
    const call = session.request({
      ':method': 'POST',
      ':path': method.path,
      'content-type': 'application/grpc+proto',
      te: 'trailers',
    });
    let trailers: IncomingHttpHeaders = {};
    // A call that fails at once has its status in the headers, with nothing after them.
    call.on('response', (headers) => (trailers = { ...headers, ...trailers }));
    call.on('trailers', (headers) => (trailers = { ...trailers, ...headers }));
    const cancel = () => call.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const bytes = toBinary(method.request, create(method.request, request));
      call.write(framePrefix(bytes.length));
      call.end(bytes);
      const reader = new FrameReader();
      for await (const chunk of call) {
        for (const message of reader.push(chunk as Uint8Array)) yield fromBinary(method.answer, message);
      }
      signal.throwIfAborted();
      const error = statusOf(trailers);
      if (error) throw error;
      if (reader.partial) throw new ConnectionLost('the call ended in the middle of a message');
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof GrpcError || error instanceof ConnectionLost) throw error;
      throw new ConnectionLost(error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      signal.removeEventListener('abort', cancel);
      if (!call.closed) cancel();
      this.#hold(session, -1);
    }
  }

  /** Ends the connection, and with it all calls that still run. */
  async close(): Promise<void> {
    const opened = this.#session;
    this.#session = null;
    // One that could not be opened needs no closing, and whoever opened it was told.
    const session = await opened?.catch(() => null);
    session?.destroy();
  }

  /** The connection; another one if that has ended and its events are still under way. */
  async #live(): Promise<ClientHttp2Session> {
    const session = await this.#open();
    if (!session.closed && !session.destroyed) return session;
    this.#session = null;
    return this.#open();
  }

  #open(): Promise<ClientHttp2Session> {
    if (this.#session) return this.#session;
    const opening = this.#connect().then((socket) => {
      const session = connect('http://engine', {
        createConnection: () => socket,
        settings: { initialWindowSize: WINDOW, enablePush: false },
      });
      const forget = () => {
        if (this.#session === opening) this.#session = null;
      };
      session.on('connect', () => {
        if (!session.destroyed) session.setLocalWindowSize(WINDOW);
      });
      session.on('close', forget);
      session.on('goaway', forget);
      // Every call on it fails with the same error and reports it.
      session.on('error', forget);
      // A hijacked socket that dies does not always end the session by itself.
      socket.once('close', () => session.destroy());
      return session;
    });
    this.#session = opening;
    opening.catch(() => {
      if (this.#session === opening) this.#session = null;
    });
    return opening;
  }

  #hold(session: ClientHttp2Session, by: 1 | -1): void {
    this.#calls += by;
    if (session.destroyed) return;
    if (this.#calls > 0) session.ref();
    else session.unref();
  }
}
