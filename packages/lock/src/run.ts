/** Runs a tool to its end: bounded output, its whole process group ended on abort. */
import { spawn } from 'node:child_process';
import type { Env } from '@rebake/cache';

/** How a tool ended. */
export interface Ran {
  /** Exit code; null: a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a tool is run with. */
export interface RunOptions {
  /** Its whole environment. */
  readonly env: Env;
  readonly cwd?: string;
  /** Fed to it; absent: nothing. */
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** More output than this is cut off, in bytes. */
const MAX_OUTPUT = 16 * 1024 * 1024;

/** Runs a tool. Rejects when it cannot be started (an error of the system, such as `ENOENT`), and with the signal's reason when aborted. */
export async function runTool(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const { signal, input = '', env, cwd } = options;
  signal?.throwIfAborted();
  return new Promise<Ran>((resolve, reject) => {
    // A group of its own: what it starts in turn (a build of a source archive) ends with it.
    const child = spawn(command, args, { env, cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const end = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    signal?.addEventListener('abort', end, { once: true });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    // It may end without reading what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', (error) => {
      signal?.removeEventListener('abort', end);
      reject(error);
    });
    child.on('close', (code) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve({ code, stdout: stdout(), stderr: stderr() });
    });
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_OUTPUT) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
