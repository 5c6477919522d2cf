/** Daemons at sockets and ports, behind logins and in pods, each reached as its address says; and the words of whoever refuses. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { expect, it } from 'vitest';
import { ANSWERS, look } from './reach-kit.ts';

describeEngine('a daemon at a socket or a port', ['buildkit', 'buildkitTls'], (state) => {
  const { address, tls } = state.buildkit;
  const { ca, cert, key } = tls;

  it('answers at its socket', async () => {
    expect(await look(address)).toMatchObject(ANSWERS);
  });

  it('answers behind TLS to who has a certificate of its authority', async () => {
    expect(await look(tls.address, { tls: { ca, cert, key } })).toMatchObject(ANSWERS);
    expect(await look(tls.address, { tls: { ca, cert, key, serverName: 'localhost' } })).toMatchObject(ANSWERS);
  });

  it.each([
    ['its authority is another one', { ca: tls.otherCa, cert, key }, /its certificate is not to be trusted/],
    ['no authority of this machine knows it', { cert, key }, /its certificate is not to be trusted/],
    [
      'its certificate is for another name',
      { ca, cert, key, serverName: 'build.example.com' },
      /not to be trusted.*build\.example\.com/,
    ],
    ['our certificate has expired', { ca, ...tls.expired }, /refuses the client certificate, which has expired/],
    ['we have none', { ca }, /wants a client certificate/],
    ['our certificate is not for our key', { ca, cert, key: tls.expired.key }, /TLS files/],
    ['a file is none', { ca, cert: key, key }, /TLS files/],
    ['a file is missing', { ca, cert, key: '/nowhere/key.pem' }, /cannot read \/nowhere\/key\.pem/],
  ])('is not tried again where %s', async (_what, given, words) => {
    expect(await look(tls.address, { tls: given })).toEqual({
      code: 'ENGINE_UNREACHABLE',
      retry: 'never',
      words: expect.stringMatching(words),
    });
  });

  it('that wants TLS and gets none is no daemon, and so is one that has none and is asked for it', async () => {
    expect(await look(tls.address)).toMatchObject({ code: 'ENGINE_UNREACHABLE', words: expect.stringMatching(/TLS/) });
    const plain = createServer((socket) => void socket.on('error', () => undefined).end('SSH-2.0-x\r\n'));
    plain.listen(0, '127.0.0.1');
    try {
      await expect.poll(() => plain.listening).toBe(true);
      const at = `tcp://127.0.0.1:${(plain.address() as AddressInfo).port}`;
      expect(await look(at, { tls: { ca, cert, key } })).toMatchObject({
        code: 'ENGINE_UNREACHABLE',
        retry: 'never',
        words: expect.stringMatching(/does not speak TLS/),
      });
    } finally {
      plain.close();
    }
  });

  it.each([
    ['unix:///nowhere/buildkitd.sock', /ENOENT/],
    ['tcp://127.0.0.1:1', /ECONNREFUSED/],
    ['tcp://host.example.invalid:1234', /host\.example\.invalid/],
  ])('that is not there may come back: %s', async (at, words) => {
    expect(await look(at)).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      retry: 'backoff',
      words: expect.stringMatching(words),
    });
  });
});

describeEngine('a daemon behind a login', ['buildkit', 'ssh'], (state) => {
  const { alias, config } = state.ssh;
  const ssh = { config };
  const socket = state.buildkit.address.slice('unix://'.length);

  it('answers, wherever its socket is', async () => {
    expect(await look(`ssh://${alias}`, { ssh })).toMatchObject(ANSWERS);
    expect(await look(`ssh://${alias}${socket}`, { ssh })).toMatchObject(ANSWERS);
  });

  it('leaves no ssh behind', async () => {
    await expect.poll(() => running('ssh', config)).toEqual([]);
  });

  it.each([
    ['the login is refused', 'ssh://nobody@127.0.0.1', 'never', /Permission denied \(publickey\)/],
    ['there is no daemon', `ssh://${alias}/nowhere/buildkitd.sock`, 'backoff', /nowhere\/buildkitd\.sock/],
    ['nothing listens', 'ssh://127.0.0.1:1', 'backoff', /Connection refused/],
  ])('says so where %s', async (_what, at, retry, words) => {
    expect(await look(at, { ssh })).toEqual({ code: 'ENGINE_UNREACHABLE', retry, words: expect.stringMatching(words) });
  });
});

describeEngine('a daemon in a pod', ['buildkit', 'kube'], (state) => {
  const { kubeconfig, namespace, pod, container } = state.kube;
  const env = { ...process.env, KUBECONFIG: kubeconfig };

  it('answers, by the config of kubectl or by the address', async () => {
    expect(await look(`kube-pod://${pod}`, { env })).toMatchObject(ANSWERS);
    expect(await look(`kube-pod://${pod}?namespace=${namespace}&container=${container}`, { env })).toMatchObject(
      ANSWERS,
    );
  });

  it('leaves no kubectl behind', async () => {
    await expect.poll(() => running('kubectl', pod)).toEqual([]);
  });

  it.each([
    ['there is no such pod', 'kube-pod://gone', {}, 'backoff', /kube-pod:\/\/gone: .*"gone" not found/],
    [
      'there is no such context',
      `kube-pod://${pod}?context=gone`,
      {},
      'never',
      /context was not found for specified context: gone/,
    ],
    ['there is no such container', `kube-pod://${pod}?container=gone`, {}, 'backoff', /gone/],
    ['there is no cluster', `kube-pod://${pod}`, { KUBECONFIG: '/nowhere' }, 'backoff', /kube-pod/],
    ['there is no kubectl', `kube-pod://${pod}`, { PATH: '/nowhere' }, 'never', /no command kubectl/],
  ])('says so where %s', async (_what, at, more, retry, words) => {
    expect(await look(at, { env: { ...env, ...more } })).toEqual({
      code: 'ENGINE_UNREACHABLE',
      retry,
      words: expect.stringMatching(words),
    });
  });
});

/** Processes of a command with this argument. */
function running(command: string, argument: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return line[0]?.split('/').at(-1) === command && line.includes(argument) ? [line.join(' ')] : [];
    } catch {
      return [];
    }
  });
}
