/** The process's own streams and signals as an Io. */
import { once } from 'node:events';
import type { createLogUpdate } from 'log-update';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';

/** The Io of this process, and what takes its signal handlers down again. */
export function processIo(): { readonly io: Io; close(): void } {
  const { stdout, stderr, stdin, env } = process;
  const controller = new AbortController();
  let interrupts = 0;
  const block = liveBlock();
  const interrupt = (): void => {
    interrupts += 1;
    if (interrupts > 1) process.exit(EXIT.interrupted);
    // The terminal has echoed ^C below the block: it is cleared, or it would stay for good.
    block('');
    stderr.write('\nStopping what runs; the state is kept. Once more to stop at once.\n');
    controller.abort(new Error('interrupted'));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  // A reader that goes away (`| head`) is no reason for a stack trace.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.done);
    throw error;
  });

  // A terminal that does not know its size (as under some CI runners) cannot be drawn on.
  const draws = stdout.isTTY && env['TERM'] !== 'dumb' && stdout.columns > 0;
  const terminal = draws ? { columns: stdout.columns } : null;
  const io: Io = {
    cwd: process.cwd(),
    env,
    terminal,
    colors: wantsColors(env, stdout.isTTY),
    ask: stdin.isTTY && stdout.isTTY ? ask : null,
    signal: controller.signal,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    bytes: async (chunk) => {
      if (!stdout.write(chunk)) await once(stdout, 'drain', { signal: controller.signal });
    },
    redraw: block,
  };
  return {
    io,
    close: () => {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    },
  };

  async function ask(question: string): Promise<string> {
    const { createInterface } = await import('node:readline/promises');
    const lines = createInterface({ input: stdin, output: stdout });
    // While a line is edited the terminal is raw: Ctrl-C arrives as a key, and Ctrl-D ends the input without an answer.
    lines.on('SIGINT', interrupt);
    const ended = Promise.withResolvers<string>();
    lines.on('close', () => ended.resolve(''));
    try {
      return await Promise.race([lines.question(question, { signal: controller.signal }), ended.promise]);
    } finally {
      lines.close();
    }
  }
}

/** NO_COLOR and FORCE_COLOR as everybody has them (no-color.org). */
export function wantsColors(env: NodeJS.ProcessEnv, isTTY: boolean): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return true;
  return isTTY && env['TERM'] !== 'dumb';
}

/** Draws with log-update, loaded when the first block is drawn: a plan has none. */
function liveBlock(): (block: string | null) => void {
  let update: ReturnType<typeof createLogUpdate> | null = null;
  let loading = false;
  return (block) => {
    if (update === null) {
      if (loading || block === null || block === '') return;
      loading = true;
      void import('log-update').then((module) => {
        update = module.createLogUpdate(process.stdout, { showCursor: false });
      });
      return;
    }
    if (block === null) update.done();
    else if (block === '') update.clear();
    else update(block);
  };
}
