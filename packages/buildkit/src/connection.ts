/** One HTTP/2 connection to a server of gRPC: opened, watched while calls run on it, and lost for one reason that all calls are told. */
import type { Duplex } from 'node:stream';
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { WINDOW } from './frames.ts';
import { askForLife, countSilence } from './heartbeat.ts';
import type { Every } from './heartbeat.ts';
import { ConnectionLost } from './status.ts';

/** Opens a byte stream to the server on which HTTP/2 can begin. */
export type Connect = () => Promise<Duplex>;

const SILENT_END = 'it closed the connection before it said anything; is it BuildKit, and does it want TLS?';

/** An open connection. */
export class Connection {
  readonly session: ClientHttp2Session;
  readonly #socket: Duplex;
  readonly #every: Every;
  #calls = 0;
  #alive = true;
  #seenBytes = 0;
  #stopBeat: (() => void) | null = null;
  #lost: Error | null = null;

  constructor(socket: Duplex, session: ClientHttp2Session, every: Every) {
    this.#socket = socket;
    this.session = session;
    this.#every = every;
    session.on('error', (error: Error) => (this.#lost ??= error));
    session.on('close', () => this.#stop());
    keepAlive(session, socket, false);
  }

  /** Whether calls can begin on it. */
  get isOpen(): boolean {
    return !this.session.closed && !this.session.destroyed;
  }

  /** Why it ended, if it ended for a reason of its own. */
  get lost(): Error | null {
    return this.#lost;
  }

  /** A call begins: until it is let go of, the process is kept alive and silence counts. */
  hold(): () => void {
    this.#calls += 1;
    if (this.#calls === 1) this.#start();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#calls -= 1;
      if (this.#calls === 0) this.#stop();
    };
  }

  /** Something came from the other side. */
  heard(): void {
    this.#alive = true;
  }

  close(): void {
    this.session.destroy();
  }

  #start(): void {
    this.#alive = true;
    if (this.isOpen) keepAlive(this.session, this.#socket, true);
    this.#stopBeat = countSilence(
      this.#every,
      () => this.#takeSign(),
      () => askForLife(this.session, () => this.heard()),
      (seconds) => {
        this.#lost = new ConnectionLost(`it has not answered for ${seconds} s`);
        this.session.destroy(this.#lost);
        this.#socket.destroy();
      },
    );
  }

  #stop(): void {
    this.#stopBeat?.();
    this.#stopBeat = null;
    if (!this.session.destroyed) keepAlive(this.session, this.#socket, false);
  }

  /** Whether there was a sign since it was last asked. While much is sent, what is read may be nothing but acknowledgements. */
  #takeSign(): boolean {
    const bytes = 'bytesRead' in this.#socket ? Number(this.#socket.bytesRead) : 0;
    const isAlive = this.#alive || bytes !== this.#seenBytes;
    this.#alive = false;
    this.#seenBytes = bytes;
    return isAlive;
  }
}

/**
 * Connects, and waits for the server's greeting: until then it is not known whether it speaks HTTP/2, or wants to speak to us at all (with
 * TLS 1.3 it refuses a certificate after the handshake). Rejects with what `connectTo` rejects with, with the socket's error, or with
 * {@link ConnectionLost}; when `signal` is aborted, with its reason.
 */
export async function openConnection(connectTo: Connect, every: Every, signal: AbortSignal): Promise<Connection> {
  const givenUp = Promise.withResolvers<never>();
  const giveUp = () => givenUp.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  const stop = countSilence(
    every,
    () => false,
    () => undefined,
    (seconds) => givenUp.reject(new ConnectionLost(`it has not answered for ${seconds} s`)),
  );
  const connecting = connectTo();
  try {
    const socket = await Promise.race([connecting, givenUp.promise]);
    return await Promise.race([greet(socket, every), givenUp.promise]);
  } catch (error) {
    connecting.then(
      (socket) => socket.destroy(),
      () => undefined,
    );
    throw error;
  } finally {
    stop();
    signal.removeEventListener('abort', giveUp);
  }
}

async function greet(socket: Duplex, every: Every): Promise<Connection> {
  const ended = Promise.withResolvers<never>();
  // Whoever waits no more has been told already.
  ended.promise.catch(() => undefined);
  const end = (error: Error) => ended.reject(error);
  socket.on('error', end);
  socket.on('close', () => end(new ConnectionLost(SILENT_END)));
  // What is written now could be answered with a reset that swallows why the other side refuses.
  if ('encrypted' in socket && socket.encrypted === true && socket.readableLength === 0) {
    const readable = Promise.withResolvers<void>();
    socket.once('readable', readable.resolve);
    await Promise.race([readable.promise, ended.promise]);
  }
  const session = connect('http://engine', {
    createConnection: () => socket,
    settings: { initialWindowSize: WINDOW, enablePush: false },
  });
  const connection = new Connection(socket, session, every);
  session.on('error', end);
  session.on('close', () => end(new ConnectionLost(SILENT_END)));
  session.on('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(WINDOW);
  });
  const greeted = Promise.withResolvers<void>();
  session.once('remoteSettings', () => greeted.resolve());
  // A hijacked socket that dies does not always end the session by itself.
  socket.once('close', () => session.destroy());
  keepAlive(session, socket, true);
  await Promise.race([greeted.promise, ended.promise]);
  keepAlive(session, socket, false);
  return connection;
}

/** Whether the process goes on for the connection's sake. Of a stream that is no socket of Node's, its session does not reach what does that. */
function keepAlive(session: ClientHttp2Session, socket: Duplex, needed: boolean): void {
  const both: readonly object[] = [session, socket];
  for (const one of both) {
    if (needed && 'ref' in one && typeof one.ref === 'function') one.ref();
    if (!needed && 'unref' in one && typeof one.unref === 'function') one.unref();
  }
}
