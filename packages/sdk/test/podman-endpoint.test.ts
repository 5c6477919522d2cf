/** Which Podman service is meant by the environment. */
import { describe, expect, it } from 'vitest';
import { resolvePodmanEndpoint } from '../src/building/index.ts';

describe('the Podman service that is meant', () => {
  it('is that of CONTAINER_HOST', () => {
    const resolve = (CONTAINER_HOST: string) => resolvePodmanEndpoint({ CONTAINER_HOST });
    expect(resolve('unix:///x.sock')).toEqual({ kind: 'unix', socketPath: '/x.sock' });
    expect(resolve('tcp://build.example.com:8080')).toEqual({
      kind: 'tcp',
      host: 'build.example.com',
      port: 8080,
      tls: null,
    });
  });

  it('is reached by ssh with the key of CONTAINER_SSHKEY, at the socket over there', () => {
    const env = { CONTAINER_HOST: 'ssh://core@build:22/run/podman/podman.sock', CONTAINER_SSHKEY: '/key' };
    expect(resolvePodmanEndpoint(env)).toEqual({
      kind: 'ssh',
      target: { host: 'build', user: 'core', port: 22, path: '/run/podman/podman.sock' },
      remote: ['podman', '--url=unix:///run/podman/podman.sock', 'system', 'dial-stdio'],
      ssh: { env, identity: '/key' },
    });
    expect(resolvePodmanEndpoint({ CONTAINER_HOST: 'ssh://build' }, { config: 'x' })).toMatchObject({
      remote: ['podman', 'system', 'dial-stdio'],
      ssh: { config: 'x' },
    });
  });

  it("is the user's own where nothing else is said, root's being the machine's", () => {
    const own = process.getuid?.() === 0 ? '/run' : '/run/user/7';
    const socketPath = `${own}/podman/podman.sock`;
    expect(resolvePodmanEndpoint({ XDG_RUNTIME_DIR: '/run/user/7' })).toEqual({ kind: 'unix', socketPath });
  });

  it.each([
    ['podman.sock', /CONTAINER_HOST is podman\.sock; it must be unix:/],
    ['tcp://build.example.com', /without a port/],
    ['ssh://-oProxyCommand=x', /cannot be a host/],
  ])('is not %s', (host, words) => {
    expect(() => resolvePodmanEndpoint({ CONTAINER_HOST: host })).toThrow(words);
  });
});
