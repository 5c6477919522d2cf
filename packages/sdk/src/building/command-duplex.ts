/** A child process as a byte stream: how engines on other machines are reached through the user's own tools (ssh, kubectl). */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { BuildFailure } from '@rebake/image';
import { failure } from './failures.ts';

/** How a command ended that was to be a connection. */
export interface BrokenCommand {
  /** The first word of its argv. */
  readonly command: string;
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  /** What it last wrote to standard error, up to a bound. */
  readonly words: string;
  /** Whether anything came from it before: if not, there never was a connection. */
  readonly hasSpoken: boolean;
}

/** How a command is run. */
export interface CommandDuplexOptions {
  /** All of its environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its working directory. Default: that of this program. */
  readonly cwd?: string;
  /** Ends it when aborted; the stream then fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Looks at the first bytes that come; a failure ends the stream. */
  accept?(first: Uint8Array): BuildFailure | null;
  /** The failure of the stream. Default: `ENGINE_UNREACHABLE` before its first byte, `ENGINE_LOST` after, in its own words. */
  explain?(end: BrokenCommand): BuildFailure;
  /** How long the command may go on after the end of the stream before it is killed, in milliseconds. Default: 3,000. */
  readonly graceMs?: number;
}

const GRACE_MS = 3_000;

/** Standard error that does not end with the process is held by somebody else (a master of ssh in the background): not waited for longer. */
const LAST_WORDS_MS = 200;

/** The end of standard error says why; banners come before. */
const MOST_WORDS = 8_192;

/**
 * Starts `argv`, without a shell and in a process group of its own (a Ctrl-C at the terminal is ours to handle), and returns its standard
 * input and output as one stream. The stream fails when the command ends with anything but success; the command ends with the stream.
 */
export function commandDuplex(argv: readonly string[], options: CommandDuplexOptions): CommandDuplex {
  options.signal?.throwIfAborted();
  return new CommandDuplex(argv, options);
}

/** The stream of {@link commandDuplex}, with what Node's HTTP clients ask of a socket. Closed means that the command has ended. */
export class CommandDuplex extends Duplex {
  readonly #child: ChildProcess;
  readonly #stdin: Socket;
  readonly #stdout: Socket;
  readonly #stderr: Socket;
  readonly #options: CommandDuplexOptions;
  readonly #command: string;
  #words = '';
  #hasSpoken = false;
  #hasEnded = false;

  constructor(argv: readonly string[], options: CommandDuplexOptions) {
    super();
    const [command = '', ...args] = argv;
    const { env, cwd } = options;
    const child = spawn(command, args, { stdio: 'pipe', detached: true, cwd, env: { ...env } });
    child.once('error', (error) => this.destroy(couldNotStart(command, error)));
    // So it is when this program has no more files to open.
    if (!child.stdout) throw failure('ENGINE_UNREACHABLE', 'backoff', `cannot start ${command}: too many open files`);
    this.#child = child;
    this.#command = command;
    this.#options = options;
    // The types say less than what pipes to a child are.
    [this.#stdin, this.#stdout, this.#stderr] = [child.stdin, child.stdout, child.stderr] as unknown as Pipes;
    this.#listen();
  }

  /** The process id; undefined if the command could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What the command last wrote to standard error, up to a bound. */
  get words(): string {
    return this.#words.trim();
  }

  /** As of a socket: how much has come from the command. */
  get bytesRead(): number {
    return this.#stdout.bytesRead;
  }

  /** As of a socket: the program goes on as long as the connection is open. So it is from the start. */
  ref(): this {
    for (const one of this.#handles) one.ref();
    return this;
  }

  /** As of a socket: the program may end while the connection is open. */
  unref(): this {
    for (const one of this.#handles) one.unref();
    return this;
  }

  /** Asked of a socket by HTTP agents; a pipe needs none. */
  setKeepAlive(): this {
    return this;
  }

  /** Asked of a socket by HTTP agents; a pipe has none. */
  setNoDelay(): this {
    return this;
  }

  /** Asked of a socket by HTTP agents; a pipe has none. */
  setTimeout(): this {
    return this;
  }

  override _read(): void {
    this.#stdout.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    // Not told of an error: the command is ending, and its end says why.
    this.#stdin.write(chunk, (error) => {
      if (!error) done();
    });
  }

  override _writev(chunks: { readonly chunk: Uint8Array }[], done: (error?: Error) => void): void {
    this.#stdin.cork();
    for (const { chunk } of chunks.slice(0, -1)) this.#stdin.write(chunk);
    const last = chunks.at(-1);
    if (last) this._write(last.chunk, 'utf8', done);
    this.#stdin.uncork();
  }

  override _final(done: (error?: Error) => void): void {
    this.#stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#hasEnded) {
      done(error);
      return;
    }
    this.#child.once('close', () => done(error));
    this.#stdin.destroy();
    this.#stdout.destroy();
    this.#kill('SIGTERM');
    this.#killLater();
  }

  get #handles(): readonly { ref(): unknown; unref(): unknown }[] {
    return [this.#child, this.#stdin, this.#stdout, this.#stderr];
  }

  #listen(): void {
    this.#stdout.on('data', (chunk) => {
      const refused = this.#hasSpoken ? null : this.#options.accept?.(chunk);
      this.#hasSpoken = true;
      if (refused) this.destroy(refused);
      else if (!this.push(chunk)) this.#stdout.pause();
    });
    this.#stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-MOST_WORDS);
    });
    // Without its output there is no connection, and what it does not read can go nowhere, whatever it may still be doing.
    this.#stdout.once('end', () => this.#killLater());
    this.#stdin.once('error', () => this.#killLater());
    for (const one of [this.#stdout, this.#stderr]) one.once('error', (error) => this.destroy(error));
    this.#child.once('exit', () => {
      const waiting = setTimeout(() => this.#stderr.destroy(), LAST_WORDS_MS);
      this.#child.once('close', () => clearTimeout(waiting));
    });
    this.#child.once('close', (code) => this.#close(code));
    const { signal } = this.#options;
    const abort = () => this.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    this.once('close', () => signal?.removeEventListener('abort', abort));
  }

  #close(code: number | null): void {
    this.#hasEnded = true;
    // Somebody it has started may still be reading.
    this.#stdin.destroy();
    if (this.destroyed) return;
    // It went when it was told that we are done, or after it had its say: an ordinary end.
    if (code === 0 && (this.#hasSpoken || this.writableEnded)) {
      this.push(null);
      return;
    }
    const end = { command: this.#command, code, words: this.words, hasSpoken: this.#hasSpoken };
    this.destroy(this.#options.explain?.(end) ?? defaultFailure(end));
  }

  #killLater(): void {
    const hard = setTimeout(() => this.#kill('SIGKILL'), this.#options.graceMs ?? GRACE_MS).unref();
    this.#child.once('close', () => clearTimeout(hard));
  }

  /** With all that it has started. */
  #kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has ended in the meantime.
    }
  }
}

type Pipes = [Socket, Socket, Socket];

function couldNotStart(command: string, error: Error): BuildFailure {
  const isMissing = 'code' in error && error.code === 'ENOENT';
  const words = isMissing ? `there is no command ${command} on the PATH` : `${command}: ${error.message}`;
  return failure('ENGINE_UNREACHABLE', isMissing ? 'never' : 'backoff', words, error);
}

function defaultFailure({ command, code, words, hasSpoken }: BrokenCommand): BuildFailure {
  const how = code === null ? 'was ended by a signal' : `ended with exit code ${code}`;
  const shown = `${command} ${how}${words === '' ? '' : `: ${words}`}`;
  return hasSpoken ? failure('ENGINE_LOST', 'backoff', shown) : failure('ENGINE_UNREACHABLE', 'backoff', shown);
}
