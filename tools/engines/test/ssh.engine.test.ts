// By ssh alone: the sshd's config brings a login to the test engines, and forwards their sockets.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { describeEngine } from '../src/vitest.ts';

const run = promisify(execFile);

describeEngine('ssh', ['ssh', 'docker', 'buildkit', 'podman'], (state) => {
  const { config, alias } = state.ssh;

  test('a login reaches Docker and BuildKit', async () => {
    // Raw, as a client of ours speaks through it.
    const dial = spawn('ssh', ['-F', config, alias, 'docker', 'system', 'dial-stdio']);
    dial.stdin.end('GET /version HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n');
    expect(await text(dial.stdout)).toContain('"ApiVersion"');
    const { stdout } = await run('ssh', ['-F', config, alias, 'buildctl', 'debug', 'workers']);
    expect(stdout).toContain('linux/');
    // gRPC's server speaks first: SETTINGS is frame type 4 of HTTP/2.
    const build = spawn('ssh', ['-F', config, alias, 'buildctl', 'dial-stdio']);
    build.stdin.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
    const [first] = (await once(build.stdout, 'data')) as [Buffer];
    expect(first[3]).toBe(4);
    build.kill();
  });

  test('a socket can be forwarded', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rebake-engines-'));
    const socketPath = join(folder, 'podman.sock');
    const options = ['-F', config, '-o', 'ExitOnForwardFailure=yes', '-L', `${socketPath}:${state.podman.socket}`];
    // `echo` runs once the forwarding stands.
    const forward = spawn('ssh', [...options, alias, 'echo ready; cat']);
    try {
      await once(forward.stdout, 'data');
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request({ socketPath, path: '/libpod/_ping' }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
      expect(status).toBe(200);
    } finally {
      forward.kill();
      await once(forward, 'exit');
      rmSync(folder, { recursive: true });
    }
  });

  test('needs its own key, and takes no password', async () => {
    const options = ['-F', config, '-o', 'PubkeyAuthentication=no'];
    await expect(run('ssh', [...options, alias, 'true'])).rejects.toThrow('Permission denied (publickey)');
  });
});
