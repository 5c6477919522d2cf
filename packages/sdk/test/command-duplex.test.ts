/** Commands as connections, with real ones: what goes through them, how they end, and that nothing of them is left. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { commandDuplex } from '../src/building/index.ts';

const env = { PATH: process.env['PATH'] };
const shell = (script: string, ...args: string[]) => ['sh', '-c', script, 'sh', ...args];

async function failureOf(argv: readonly string[]): Promise<unknown> {
  const [error] = (await once(commandDuplex(argv, { env }), 'error')) as [{ error: unknown }];
  return error.error;
}

describe('a command as a connection', () => {
  it('carries bytes both ways, and ends when both sides are done', async () => {
    const sent = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)))
      .toString('hex')
      .repeat(50);
    const duplex = commandDuplex(['cat'], { env });
    const received = buffer(duplex);
    // Many at once, as HTTP/2 writes its frames.
    duplex.cork();
    for (let at = 0; at < sent.length; at += 16_384) duplex.write(sent.slice(at, at + 16_384));
    duplex.uncork();
    duplex.end();
    expect((await received).equals(Buffer.from(sent))).toBe(true);
    expect(isAlive(duplex.pid)).toBe(false);
  });

  it('goes on answering after it was told everything', async () => {
    const duplex = commandDuplex(shell('sort; echo done'), { env });
    duplex.end('b\na\n');
    expect(await text(duplex)).toBe('a\nb\ndone\n');
  });

  it('ends in peace when the other side does', async () => {
    expect(await text(commandDuplex(shell('echo bye'), { env }))).toBe('bye\n');
  });

  it('waits while nobody reads', async () => {
    const duplex = commandDuplex(shell('head -c 3000000 /dev/zero'), { env });
    await once(duplex, 'readable');
    let length = 0;
    for await (const chunk of duplex) length += (chunk as Buffer).length;
    expect(length).toBe(3_000_000);
  });
});

describe('a command that fails', () => {
  it('before it said anything never was a connection; its words say why', async () => {
    expect(await failureOf(shell('echo "Permission denied (publickey)." >&2; exit 255'))).toEqual({
      code: 'ENGINE_UNREACHABLE',
      retry: 'backoff',
      words: 'sh ended with exit code 255: Permission denied (publickey).',
    });
  });

  it('after that is a connection that was lost', async () => {
    const duplex = commandDuplex(shell('echo hello; echo "Connection reset by peer" >&2; exit 255'), { env });
    await expect(text(duplex)).rejects.toMatchObject({
      error: { code: 'ENGINE_LOST', words: 'sh ended with exit code 255: Connection reset by peer' },
    });
  });

  it('in silence is no connection either', async () => {
    expect(await failureOf(['true'])).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      words: 'true ended with exit code 0',
    });
  });

  it('by a signal says so', async () => {
    expect(await failureOf(shell('kill -9 $$'))).toMatchObject({ words: 'sh was ended by a signal' });
  });

  it('while it is written to says why it failed, not that the pipe is broken', async () => {
    const duplex = commandDuplex(shell('exec 0<&-; echo "no such host" >&2; exit 1'), { env });
    duplex.write(Buffer.alloc(10_000_000));
    const [error] = (await once(duplex, 'error')) as [unknown];
    expect(error).toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', words: expect.stringMatching('no such host') },
    });
  });

  it('because there is none of that name is not tried again', async () => {
    expect(await failureOf(['rebake-no-such-command'])).toEqual({
      code: 'ENGINE_UNREACHABLE',
      retry: 'never',
      words: 'there is no command rebake-no-such-command on the PATH',
    });
  });

  it('has the end of its words kept, within a bound', async () => {
    const { words } = (await failureOf(
      shell('head -c 1000000 /dev/zero | tr "\\0" x >&2; echo the reason >&2; exit 1'),
    )) as { words: string };
    expect(words.length).toBeLessThan(20_000);
    expect(words.endsWith('the reason')).toBe(true);
  });

  it('is not waited for when somebody else still holds its standard error', async () => {
    const failed = (await failureOf(shell('sleep 100000 </dev/null >/dev/null & echo $! >&2; exit 3'))) as {
      words: string;
    };
    const sleeper = Number(failed.words.split(' ').at(-1));
    expect(isAlive(sleeper)).toBe(true);
    process.kill(sleeper);
  });

  it('can be explained by who knows the command', async () => {
    const seen: unknown[] = [];
    const duplex = commandDuplex(shell('echo why >&2; exit 7'), {
      env,
      explain: (end) => {
        seen.push(end);
        return new Error('explained') as never;
      },
    });
    await expect(text(duplex)).rejects.toThrow('explained');
    expect(seen).toEqual([{ command: 'sh', code: 7, words: 'why', hasSpoken: false }]);
  });
});

describe('the end of the stream', () => {
  it('is the end of the command and of what it has started', async () => {
    const duplex = commandDuplex(shell('sleep 100000 & echo $!; wait'), { env });
    const [line] = (await once(duplex, 'data')) as [Buffer];
    duplex.destroy();
    await once(duplex, 'close');
    expect(isAlive(duplex.pid)).toBe(false);
    await expect.poll(() => isAlive(Number(line.toString()))).toBe(false);
  });

  it('is that of a command that does not listen to SIGTERM, too', async () => {
    const script = 'trap "" TERM; echo ready; while :; do sleep 0.01; done';
    const duplex = commandDuplex(shell(script), { env, graceMs: 50 });
    await once(duplex, 'data');
    duplex.destroy();
    await once(duplex, 'close');
    expect(isAlive(duplex.pid)).toBe(false);
  });

  it('is that of a command that has closed its output but goes on', async () => {
    const duplex = commandDuplex(shell('echo bye; exec sleep 100000 >&-'), { env, graceMs: 50 });
    await expect(text(duplex)).rejects.toMatchObject({ error: { code: 'ENGINE_LOST' } });
    expect(isAlive(duplex.pid)).toBe(false);
  });

  it('comes with a signal, for its reason', async () => {
    const abort = new AbortController();
    const duplex = commandDuplex(['cat'], { env, signal: abort.signal });
    const failed = once(duplex, 'error');
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await failed).toEqual([reason]);
    expect(() => commandDuplex(['cat'], { env, signal: abort.signal })).toThrow(reason);
  });
});

describe('an idle connection', () => {
  const script = (last: string) => `
    import { commandDuplex } from './src/building/index.ts';
    const duplex = commandDuplex(['cat'], { env: process.env });
    duplex.write('x');
    duplex.once('data', () => { process.stdout.write(String(duplex.pid)); ${last} });
  `;
  const run = (last: string) =>
    execFileSync(process.execPath, ['--conditions=@rebake/source', '--input-type=module', '--eval', script(last)], {
      cwd: join(import.meta.dirname, '..'),
      encoding: 'utf8',
      timeout: 20_000,
    });

  it('lets the program end, and ends with it', async () => {
    const pid = Number(run('duplex.unref();'));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('that is used again keeps it', () => {
    expect(
      run(`duplex.unref(); duplex.ref(); duplex.once('close', () => process.stdout.write(' closed')); duplex.end();`),
    ).toMatch(/ closed$/);
  });
});

/** Whether a process runs; one that has ended and that nobody has asked about yet does not. */
function isAlive(pid: number | undefined): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
