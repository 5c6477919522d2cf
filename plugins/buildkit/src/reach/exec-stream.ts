/** The standard input and output of a command in a container, over the connection that an engine gives for it. */
import { Duplex } from 'node:stream';
import type { BuildFailure } from '@rebake/image';
import { failure } from '@rebake/sdk/building';

/** Who is told how the command fares. */
export interface ExecWatcher {
  /** Looks at the first bytes that come; a failure ends the stream. */
  accept(first: Uint8Array): BuildFailure | null;
  /** Why the connection ended; null: as it should. `words`: what the command wrote to standard error. */
  explain(words: string, hasSpoken: boolean): Promise<BuildFailure | null>;
}

const HEADER = 8;
const STDERR = 2;

/** Engines send what they have read at once, some tens of KiB. */
const MOST_IN_FRAME = 16 * 1024 * 1024;

const MOST_WORDS = 8_192;

/**
 * Takes apart what an engine sends for a command without a terminal: frames with a header of eight bytes, the first of which says whether
 * it is standard output (1) or error (2), the last four of which are the length. What is written goes to standard input as it is.
 */
export class ExecStream extends Duplex {
  readonly #connection: Duplex;
  readonly #watcher: ExecWatcher;
  #header = Buffer.alloc(0);
  #left = 0;
  #isError = false;
  #words = '';
  #hasSpoken = false;
  #hasEnded = false;
  /** As of a socket: how much has come. */
  bytesRead = 0;

  constructor(connection: Duplex, watcher: ExecWatcher) {
    super();
    this.#connection = connection;
    this.#watcher = watcher;
    connection.on('data', (chunk: Buffer) => this.#take(chunk));
    connection.once('end', () => void this.#end(null));
    connection.once('error', (error) => void this.#end(error));
    connection.once('close', () => void this.#end(null));
  }

  /** As of a socket: the program goes on as long as the connection is open. So it is from the start. */
  ref(): this {
    if ('ref' in this.#connection && typeof this.#connection.ref === 'function') this.#connection.ref();
    return this;
  }

  /** As of a socket: the program may end while the connection is open. */
  unref(): this {
    if ('unref' in this.#connection && typeof this.#connection.unref === 'function') this.#connection.unref();
    return this;
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    // Not told of an error: the connection ends with it.
    this.#connection.write(chunk, (error) => {
      if (!error) done();
    });
  }

  override _writev(chunks: { readonly chunk: Uint8Array }[], done: (error?: Error) => void): void {
    this.#connection.cork();
    for (const { chunk } of chunks.slice(0, -1)) this.#connection.write(chunk);
    const last = chunks.at(-1);
    if (last) this._write(last.chunk, 'utf8', done);
    this.#connection.uncork();
  }

  override _final(done: (error?: Error) => void): void {
    this.#connection.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    let rest = chunk;
    while (rest.length > 0 && !this.destroyed) {
      if (this.#left === 0) rest = this.#takeHeader(rest);
      else {
        const part = rest.subarray(0, this.#left);
        rest = rest.subarray(part.length);
        this.#left -= part.length;
        this.#takePart(part);
      }
    }
  }

  #takeHeader(rest: Buffer): Buffer {
    const missing = HEADER - this.#header.length;
    this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
    if (this.#header.length < HEADER) return rest.subarray(missing);
    const kind = this.#header.readUInt32BE(0) >>> 24;
    this.#left = this.#header.readUInt32BE(4);
    this.#isError = kind === STDERR;
    if (kind > 3 || this.#header.readUIntBE(1, 3) !== 0 || this.#left > MOST_IN_FRAME) {
      this.destroy(
        failure('ENGINE_ANSWER_INVALID', 'never', 'unexpected answer of the engine: no frames of a command'),
      );
    }
    this.#header = Buffer.alloc(0);
    return rest.subarray(missing);
  }

  #takePart(part: Buffer): void {
    if (this.#isError) {
      this.#words = (this.#words + part.toString()).slice(-MOST_WORDS);
      return;
    }
    const refused = this.#hasSpoken ? null : this.#watcher.accept(part);
    this.#hasSpoken = true;
    if (refused) this.destroy(refused);
    else if (!this.push(part)) this.#connection.pause();
  }

  async #end(error: Error | null): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.destroyed) return;
    const why = (await this.#watcher.explain(this.#words.trim(), this.#hasSpoken)) ?? error;
    if (why) this.destroy(why);
    else this.push(null);
  }
}
