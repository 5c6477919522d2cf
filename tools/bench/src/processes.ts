// Whole processes, timed from before the fork until their output is read: what a user waits for.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NotMeasured } from './bench.ts';

/** A command line and where it runs. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs to the end and gives its standard output and wall time in milliseconds. Throws when it fails: a failure is quick, and no figure. */
export function run({ argv, cwd, env }: Command): { readonly ms: number; readonly stdout: string } {
  const [file, ...args] = argv;
  const start = performance.now();
  const done = spawnSync(file, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 30,
  });
  const ms = performance.now() - start;
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) {
    throw new Error(
      `${argv.slice(0, 6).join(' ')} ended with ${done.status ?? done.signal}:\n${tail(done.stderr || done.stdout)}`,
    );
  }
  return { ms, stdout: done.stdout };
}

/** Wall time in milliseconds. */
export function timed(command: Command): number {
  return run(command).ms;
}

/** Node with nothing to do: the least that a command written in JavaScript can take. */
export const BARE_NODE: Command = { argv: [process.execPath, '-e', '0'] };

/** The command as it is installed: with its shell script and its bundle. Its compile cache and other temporary files go to `tmp`. */
export function rebake(root: string, tmp: string, cwd: string, ...args: readonly string[]): Command {
  if (!existsSync(join(root, 'packages/cli/dist/rebake.js')))
    throw new NotMeasured('the command is not built: npm run build');
  return {
    argv: [join(root, 'packages/cli/bin/rebake'), ...args],
    cwd,
    env: { TMPDIR: tmp, NODE_COMPILE_CACHE: undefined },
  };
}

/** Throws where a program is not installed, with the name of its Debian package. */
export function need(program: string, debianPackage: string): void {
  const found = spawnSync(program, ['--version'], { stdio: 'ignore' });
  if (found.error !== undefined) throw new NotMeasured(`${program} is not installed: apt-get install ${debianPackage}`);
}

function tail(text: string): string {
  return text.trim().split('\n').slice(-12).join('\n');
}
