/** Runs a command for a builder that drives one: its lines as they come, its words when it fails, and nothing of it left after an abort. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { engineFailure, failure } from './failures.ts';
import { printable } from './printable.ts';

/** How a command is run. */
export interface RunOptions {
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told each line of both outputs, without what could drive a terminal. */
  onLine?(line: string): void;
  /** How long it may go on after an abort before it is killed, in milliseconds. Default: 5,000. */
  readonly graceMs?: number;
}

/** How a command ended. */
export interface CommandEnd {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  /** What it wrote to standard output, up to a bound. */
  readonly stdout: string;
  /** The last lines of both outputs, in the order in which they came. */
  readonly lastLines: readonly string[];
}

const KEPT_LINES = 60;
const MOST_OUTPUT = 16 * 1024 * 1024;
const GRACE_MS = 5_000;

/**
 * Runs `argv`, without a shell, and waits for its end. Rejects with the signal's reason when aborted, after the command and all that it
 * started have ended; with `ENGINE_UNREACHABLE` when there is no such command.
 */
export async function runCommand(argv: readonly string[], options: RunOptions): Promise<CommandEnd> {
  const [command, ...args] = argv;
  if (command === undefined) throw new Error('no command');
  const { signal } = options;
  signal.throwIfAborted();
  // A process group of its own: what it started ends with it.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...options.env } });
  const lastLines: string[] = [];
  let stdout = '';
  const take = (line: string, isOutput: boolean) => {
    if (isOutput && stdout.length < MOST_OUTPUT) stdout += `${line}\n`;
    lastLines.push(line);
    if (lastLines.length > KEPT_LINES) lastLines.shift();
    options.onLine?.(line);
  };
  const read = async (input: Readable, isOutput: boolean) => {
    for await (const line of createInterface({ input })) take(printable(line), isOutput);
  };
  let hard: NodeJS.Timeout | undefined;
  const end = () => {
    signalGroup(child.pid, 'SIGTERM');
    hard = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), options.graceMs ?? GRACE_MS);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    const ended = once(child, 'close') as Promise<[number | null]>;
    const [[code]] = await Promise.all([ended, read(child.stdout, true), read(child.stderr, false)]);
    signal.throwIfAborted();
    return { code, stdout, lastLines };
  } catch (error) {
    signal.throwIfAborted();
    throw isMissing(error)
      ? failure('ENGINE_UNREACHABLE', 'never', `there is no command ${command}`, error)
      : engineFailure(error, command);
  } finally {
    signal.removeEventListener('abort', end);
    clearTimeout(hard);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // It has ended in the meantime.
  }
}
