/** Targets of ssh, what is asked of the user's ssh, and what is made of its words. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { forwardUnixSocket, parseSshTarget, showSshTarget, sshCommandDuplex } from '../src/building/index.ts';

describe('a target', () => {
  it.each([
    ['ssh://build', { host: 'build' }],
    ['ssh://build/', { host: 'build' }],
    ['ssh://me@build.example.com:2222', { host: 'build.example.com', user: 'me', port: 2222 }],
    ['ssh://build/run/user/1000/podman/podman.sock', { host: 'build', path: '/run/user/1000/podman/podman.sock' }],
    ['ssh://core@[fe80::1%eth0]:22/x.sock', { host: 'fe80::1%eth0', user: 'core', port: 22, path: '/x.sock' }],
    ['ssh://Alias_of-Config', { host: 'Alias_of-Config' }],
    ['ssh://DOMAIN\\me@build', { host: 'build', user: 'DOMAIN\\me' }],
  ])('%s', (given, expected) => {
    const target = parseSshTarget(given);
    expect(target).toEqual(expected);
    if ('error' in target) throw new Error(target.error);
    expect(parseSshTarget(showSshTarget(target))).toEqual(expected);
  });

  it.each([
    ['tcp://build', /must be ssh:/],
    ['ssh://', /cannot be a host/],
    ['ssh://-oProxyCommand=touch', /cannot be a host/],
    ['ssh://-l@build', /cannot be a user/],
    ['ssh://@build', /cannot be a user/],
    ['ssh://me:secret@build', /holds a password/],
    ['ssh://a b', /cannot be a host/],
    ['ssh://build;id', /cannot be a host/],
    ['ssh://%h', /cannot be a host/],
    ['ssh://$(id)@build', /cannot be a user/],
    ['ssh://[build]', /cannot be a host/],
    ['ssh://::1', /must be ssh:|cannot be a host/],
    ['ssh://build:0', /no port/],
    ['ssh://build:65536', /no port/],
    ['ssh://build:', /no port/],
    ['ssh://build/run/$(id)', /path of a socket/],
    ['ssh://build/run/a b', /path of a socket/],
    ['ssh://build/run:x', /path of a socket/],
    ['ssh://build?x=1', /nothing after it/],
    ['ssh://build#x', /nothing after it/],
    ['ssh://build\nProxyCommand x', /cannot be a host/],
  ])('%j is refused', (given, why) => {
    expect(parseSshTarget(given)).toEqual({ error: expect.stringMatching(why) });
  });

  it('is never shown with its password', () => {
    expect(JSON.stringify(parseSshTarget('ssh://me:secret@build'))).not.toContain('secret');
  });
});

describe("the user's ssh", () => {
  const folder = mkdtempSync(join(tmpdir(), 'rebake-ssh-'));
  const env = { PATH: `${folder}:${process.env['PATH']}` };
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Puts a script in the place of ssh. */
  const fake = (script: string) => {
    writeFileSync(join(folder, 'ssh'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'ssh'), 0o755);
  };
  const failureOf = async (script: string) => {
    fake(script);
    const stream = sshCommandDuplex({ host: 'build' }, ['docker', 'system', 'dial-stdio'], { env });
    return text(stream).then(
      () => null,
      (error: { error: unknown }) => error.error,
    );
  };

  it('is asked for one command, and never to ask back', async () => {
    fake(`printf '%s\\n' "$@"`);
    const target = { host: 'build', user: 'me', port: 2222, path: '/x.sock' };
    const options = { env, config: 'ssh.conf', identity: '/keys/id' };
    const asked = await text(sshCommandDuplex(target, ['docker', '--host=unix:///x.sock', "it's"], options));
    expect(asked.split('\n').slice(0, -1)).toEqual([
      '-T',
      ...'-o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=10'.split(' '),
      ...`-F ${resolve('ssh.conf')} -i /keys/id -l me -p 2222 -- build`.split(' '),
      `docker --host=unix:///x.sock 'it'\\''s'`,
    ]);
  });

  it.each([
    [
      'echo "me@build: Permission denied (publickey)." >&2; exit 255',
      { code: 'ENGINE_UNREACHABLE', retry: 'never', words: 'ssh://build: me@build: Permission denied (publickey).' },
    ],
    [
      'echo "Host key verification failed." >&2; exit 255',
      {
        code: 'ENGINE_UNREACHABLE',
        retry: 'never',
        words: expect.stringMatching(/^ssh:\/\/build: Host key verification failed\. \(rebake answers no questions/),
      },
    ],
    [
      'echo "ssh: connect to host build port 22: Connection refused" >&2; exit 255',
      {
        code: 'ENGINE_UNREACHABLE',
        retry: 'backoff',
        words: 'ssh://build: ssh: connect to host build port 22: Connection refused',
      },
    ],
    ['exit 255', { code: 'ENGINE_UNREACHABLE', retry: 'backoff', words: 'ssh://build: ssh ended with exit code 255' }],
    [
      'echo "sh: 1: docker: not found" >&2; exit 127',
      {
        code: 'ENGINE_UNREACHABLE',
        retry: 'never',
        words: 'ssh://build has no command docker: sh: 1: docker: not found',
      },
    ],
    [
      'echo HTTP; echo "Connection to build closed by remote host." >&2; exit 255',
      {
        code: 'ENGINE_LOST',
        retry: 'backoff',
        words: 'lost the connection to ssh://build: Connection to build closed by remote host.',
      },
    ],
  ])('fails in its own words: %s', async (script, expected) => {
    expect(await failureOf(script)).toEqual(expected);
  });

  it('that is not installed is said to be missing', async () => {
    const stream = sshCommandDuplex({ host: 'build' }, ['docker'], { env: { PATH: '/nowhere' } });
    await expect(text(stream)).rejects.toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: 'there is no command ssh on the PATH' },
    });
  });

  it('is missed also where a socket is to be forwarded', async () => {
    const bare = join(folder, 'bare');
    mkdirSync(bare);
    for (const tool of ['sh', 'cat']) symlinkSync(`/bin/${tool}`, join(bare, tool));
    await expect(
      forwardUnixSocket({ host: 'build' }, '/x.sock', folder, { env: { PATH: bare } }),
    ).rejects.toMatchObject({
      error: {
        code: 'ENGINE_UNREACHABLE',
        retry: 'never',
        words: expect.stringMatching(/^there is no command ssh on the PATH/),
      },
    });
  });

  it('is not asked to forward to what cannot be a socket', async () => {
    fake('exit 9');
    await expect(forwardUnixSocket({ host: 'build' }, '/x:/etc/shadow', folder, { env })).rejects.toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', retry: 'never' },
    });
  });
});
