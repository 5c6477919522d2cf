/** ssh to a real sshd: commands over there, and sockets that are brought here. */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forwardUnixSocket, sshCommandDuplex } from '../src/building/index.ts';

describeEngine('ssh', ['ssh', 'docker'], (state) => {
  const folder = mkdtempSync(join(tmpdir(), 'rebake-ssh-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const env = process.env;
  const { alias, config, host, port, user } = state.ssh;
  const target = { host: alias };
  const options = { env, config };
  const { socket } = state.docker;

  describe('a command over there', () => {
    it('gets its words as they are, and answers', async () => {
      const stream = sshCommandDuplex(
        target,
        ['sh', '-c', 'cat; printf "%s|" "$@"', 'sh', '$HOME', "it's", 'a b'],
        options,
      );
      stream.end('in ');
      expect(await text(stream)).toBe("in $HOME|it's|a b|");
    });

    it('that is not there is said to be missing', async () => {
      await expect(text(sshCommandDuplex(target, ['rebake-nothing'], options))).rejects.toMatchObject({
        error: {
          code: 'ENGINE_UNREACHABLE',
          retry: 'never',
          words: expect.stringMatching(/has no command rebake-nothing/),
        },
      });
    });

    it('is refused to who has no key, and on a host that is not known', async () => {
      const stranger = join(folder, 'stranger.conf');
      writeFileSync(stranger, readFileSync(config, 'utf8').replace(/IdentityFile .*/, 'IdentityFile /dev/null'));
      await expect(text(sshCommandDuplex(target, ['true'], { env, config: stranger }))).rejects.toMatchObject({
        error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: expect.stringMatching(/Permission denied/) },
      });
      const careful = join(folder, 'careful.conf');
      writeFileSync(
        careful,
        readFileSync(config, 'utf8').replace(/UserKnownHostsFile .*/, 'UserKnownHostsFile /dev/null'),
      );
      await expect(text(sshCommandDuplex(target, ['true'], { env, config: careful }))).rejects.toMatchObject({
        error: {
          code: 'ENGINE_UNREACHABLE',
          retry: 'never',
          words: expect.stringMatching(/Host key verification failed/),
        },
      });
    });

    it('cannot be run where nothing listens', async () => {
      const nowhere = { host, user, port: 1 };
      await expect(text(sshCommandDuplex(nowhere, ['true'], options))).rejects.toMatchObject({
        error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff', words: expect.stringMatching(/Connection refused/) },
      });
    });
  });

  describe('over a connection that the user shares', () => {
    const shared = join(folder, 'shared.conf');
    const sharing = { env, config: shared };
    beforeAll(() => {
      const lines = ['ControlMaster auto', `ControlPath ${join(folder, 'master')}`, 'ControlPersist 30'];
      writeFileSync(shared, [readFileSync(config, 'utf8'), ...lines.map((line) => `  ${line}`), ''].join('\n'));
    });
    it('commands end without waiting for it, and the next ones use it', async () => {
      const first = sshCommandDuplex(target, ['cat'], sharing);
      first.end('one');
      expect(await text(first)).toBe('one');
      expect(existsSync(join(folder, 'master'))).toBe(true);
      const failed = text(sshCommandDuplex(target, ['sh', '-c', 'echo no >&2; exit 3'], sharing));
      await expect(failed).rejects.toMatchObject({ error: { words: expect.stringMatching(/: no$/) } });
    });

    it('sockets do not: they would outlive us', async () => {
      const forward = await forwardUnixSocket(target, socket, folder, sharing);
      execFileSync('ssh', ['-F', shared, '-O', 'exit', alias], { stdio: 'pipe' });
      expect(await ping(forward.path)).toBe(200);
      await forward.close();
    });
  });

  describe('a socket of over there', () => {
    it('is one here until it is closed, and leaves nothing behind', async () => {
      const forward = await forwardUnixSocket({ host, user, port }, socket, join(folder, 'sockets'), options);
      expect(dirname(dirname(forward.path))).toBe(join(folder, 'sockets'));
      expect(await ping(forward.path)).toBe(200);
      expect(await Promise.all([1, 2, 3].map(() => ping(forward.path)))).toEqual([200, 200, 200]);
      await forward.close();
      expect(await forward.ended).toBe(null);
      expect(readdirSync(join(folder, 'sockets'))).toEqual([]);
    });

    it('is gone, and says why, when ssh ends', async () => {
      const forward = await forwardUnixSocket(target, socket, folder, options);
      for (const pid of clientsIn(dirname(forward.path))) process.kill(pid, 'SIGKILL');
      expect(await forward.ended).toMatchObject({ error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' } });
      expect(existsSync(dirname(forward.path))).toBe(false);
      await forward.close();
    });

    it('is put where its name is short enough for a socket', async () => {
      const deep = join(folder, 'x'.repeat(60), 'y'.repeat(60));
      const forward = await forwardUnixSocket(target, socket, deep, options);
      expect(forward.path.startsWith(tmpdir())).toBe(true);
      expect(await ping(forward.path)).toBe(200);
      await forward.close();
      expect(existsSync(dirname(forward.path))).toBe(false);
    });

    it('that is not there is no engine, in the words of ssh', async () => {
      const before = readdirSync(folder);
      await expect(forwardUnixSocket(target, '/nowhere/engine.sock', folder, options)).rejects.toMatchObject({
        error: {
          code: 'ENGINE_UNREACHABLE',
          retry: 'backoff',
          words: expect.stringMatching(/engine\.sock: .*open failed/s),
        },
      });
      expect(readdirSync(folder)).toEqual(before);
    });

    it('is not brought here by who may not', async () => {
      await expect(forwardUnixSocket({ host, user: 'nobody', port }, socket, folder, options)).rejects.toMatchObject({
        error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: expect.stringMatching(/Permission denied/) },
      });
    });

    it('is not waited for after an abort', async () => {
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      await expect(forwardUnixSocket(target, socket, folder, { ...options, signal })).rejects.toBe(reason);
    });

    it('ends with the program, however that ends', async () => {
      const script = `
        import { forwardUnixSocket } from './src/building/index.ts';
        const { path } = await forwardUnixSocket(${JSON.stringify(target)}, ${JSON.stringify(socket)}, ${JSON.stringify(folder)}, { env: process.env, config: ${JSON.stringify(config)} });
        process.stdout.write(path);
        setInterval(() => undefined, 1_000);
      `;
      const program = execFile(
        process.execPath,
        ['--conditions=@rebake/source', '--input-type=module', '--eval', script],
        {
          cwd: join(import.meta.dirname, '..'),
        },
      );
      const [path] = (await once(program.stdout!, 'data')) as [string];
      expect(await ping(path)).toBe(200);
      program.kill('SIGKILL');
      await once(program, 'exit');
      await expect
        .poll(() => ping(path).catch((error: NodeJS.ErrnoException) => error.code))
        .toMatch(/ECONNREFUSED|ENOENT/);
      rmSync(dirname(path), { recursive: true });
    });
  });
});

async function ping(socketPath: string): Promise<number | undefined> {
  const asked = request({ socketPath, path: '/_ping', agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

/** Processes of ssh that were started in a folder. */
function clientsIn(folder: string): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const isSsh = readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'ssh';
      return isSsh && readlinkSync(`/proc/${pid}/cwd`) === folder ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}
