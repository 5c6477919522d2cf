/** Runs programs of this machine that end by themselves. */
import { spawn } from 'node:child_process';

export interface Ran {
  /** Exit code; 1 for one that a signal ended or that did not start. */
  readonly code: number;
  readonly isStarted: boolean;
  readonly out: string;
  readonly err: string;
}

/** Of each of its outputs the last so many characters are kept. */
const MAX_OUTPUT = 64 << 10;

/** With nothing to read. Rejects only when it was aborted; all that it started is ended then, too. */
export async function run(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Ran> {
  signal.throwIfAborted();
  const ran = await new Promise<Ran>((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let out = '';
    let err = '';
    const end = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    };
    signal.addEventListener('abort', end, { once: true });
    const finish = (code: number, isStarted: boolean): void => {
      signal.removeEventListener('abort', end);
      resolve({ code, isStarted, out, err });
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out = (out + text).slice(-MAX_OUTPUT)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err = (err + text).slice(-MAX_OUTPUT)));
    child.on('error', (problem) => {
      err = problem.message;
      finish(1, false);
    });
    child.on('close', (code) => finish(code ?? 1, true));
  });
  signal.throwIfAborted();
  return ran;
}
