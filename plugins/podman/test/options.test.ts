/** Options: what is accepted, and what is wrong with the rest. */
import { describe, expect, it } from 'vitest';
import { parseHost, showHost } from '../src/host.ts';
import { plugin } from '../src/index.ts';

const { options } = plugin.builders['podman']!;
const FORMS = 'must be unix:///path, ssh://[user@]host[:port]/path of the socket, or tcp://host:port';

async function issues(value: unknown): Promise<string[]> {
  const result = await options['~standard'].validate(value);
  return (result.issues ?? []).map(({ path = [], message }) => `${path.map(String).join('.')}: ${message}`);
}

describe('options', () => {
  it.each([
    undefined,
    {},
    { host: 'unix:///run/podman/podman.sock' },
    { host: 'ssh://core@build.example.com:2222/run/user/1000/podman/podman.sock', identity: '/key' },
    { host: 'tcp://[::1]:8080' },
    { host: 'tcp://build.example.com:8080', tls: { ca: '/ca.pem', cert: '/cert.pem', key: '/key.pem' } },
    { connection: 'podman-machine-default-root' },
  ])('accepts %j', async (value) => {
    expect(await issues(value)).toEqual([]);
    expect(await options['~standard'].validate(value)).toEqual({ value: value ?? {} });
  });

  it.each([
    [7, [': must be an object']],
    [{ hots: 'x' }, ['hots: unknown option; there are: host, connection, identity, tls']],
    [{ host: 7 }, ['host: must be a text']],
    [{ host: 'unix://relative' }, [`host: ${FORMS}`]],
    [{ host: 'tcp://build.example.com' }, [`host: ${FORMS}`]],
    [{ host: 'tcp://u@x:1/path' }, [`host: ${FORMS}`]],
    [{ host: 'ssh://build.example.com' }, [`host: ${FORMS}; the path is missing`]],
    [{ host: 'ssh://-oProxyCommand=x/run/x.sock' }, ['host: "-oProxyCommand=x" cannot be a host for ssh']],
    [{ host: 'https://x:1' }, [`host: ${FORMS}`]],
    [{ host: 'unix:///x', connection: 'y' }, ['connection: cannot be set together with host']],
    [{ connection: '' }, ['connection: must be the name of a connection']],
    [{ identity: 7 }, ['identity: must be the path of a key for ssh']],
    [{ tls: {} }, ['tls: needs a host that begins with tcp://']],
    [{ host: 'unix:///x', tls: {} }, ['tls: needs a host that begins with tcp://']],
    [{ host: 'tcp://x:1', tls: [] }, ['tls: must be an object with ca, or cert and key, or all three']],
    [
      { host: 'tcp://x:1', tls: { cert: 'c', ca: '', pem: 'x' } },
      [
        'tls.pem: unknown option; there are: ca, cert, key',
        'tls.ca: must be the path of a PEM file',
        'tls: cert and key need each other',
      ],
    ],
  ])('refuses %j', async (value, expected) => {
    expect(await issues(value)).toEqual(expected);
  });
});

describe('an address', () => {
  it.each([
    'unix:///run/podman/podman.sock',
    'tcp://127.0.0.1:8080',
    'tcp://[::1]:8080',
    'ssh://core@127.0.0.1:53685/run/user/501/podman/podman.sock',
    'ssh://[fe80::1]:22/run/podman/podman.sock',
  ])('%s is shown as it was given', (text) => {
    const host = parseHost(text);
    expect('error' in host ? host : showHost(host)).toBe(text);
  });

  it('of a connection of Podman 3 loses what it says about host keys', () => {
    expect(parseHost('ssh://root@build.example.com:22/run/podman/podman.sock?secure=True')).toEqual({
      kind: 'ssh',
      target: { host: 'build.example.com', user: 'root', port: 22 },
      path: '/run/podman/podman.sock',
    });
  });
});
