/** Commands that builders drive: their lines, their ends, and that nothing outlives an abort. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../src/building/run-command.ts';

const signal = new AbortController().signal;
const env = { PATH: process.env['PATH'] };

describe('a command', () => {
  it('gives its lines as they come, and its exit code', async () => {
    const lines: string[] = [];
    const end = await runCommand(['sh', '-c', 'echo one; echo two >&2; printf three; exit 3'], {
      signal,
      env,
      onLine: (line) => lines.push(line),
    });
    expect(end.code).toBe(3);
    expect(end.stdout).toBe('one\nthree\n');
    expect(lines.toSorted()).toEqual(['one', 'three', 'two']);
  });

  it('gets its arguments as they are, and no environment but the given one', async () => {
    const { stdout } = await runCommand(['sh', '-c', 'printf "%s|" "$@"; echo "${HOME-none}"', 'x', '$(id)', '-a b'], {
      signal,
      env,
    });
    expect(stdout).toBe('$(id)|-a b|none\n');
  });

  it('that is not there is said to be missing', async () => {
    await expect(runCommand(['/nowhere/tool'], { signal, env })).rejects.toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: 'there is no command /nowhere/tool' },
    });
  });

  it('ends with all that it started when aborted, also what does not listen, and rejects with the reason', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rebake-run-'));
    const file = join(folder, 'pid');
    const abort = new AbortController();
    const running = runCommand(
      ['sh', '-c', `trap "" TERM; sh -c 'trap "" TERM; echo $$ > ${file}; echo up; while :; do sleep 1; done' & wait`],
      { signal: abort.signal, env, graceMs: 50, onLine: () => abort.abort(new Error('enough')) },
    );
    await expect(running).rejects.toThrow('enough');
    expect(existsSync(file)).toBe(true);
    const pid = Number(readFileSync(file, 'utf8'));
    await expect.poll(() => isRunning(pid)).toBe(false);
    rmSync(folder, { recursive: true });
  });
});

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
