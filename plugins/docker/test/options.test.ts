/** What a declaration may say about an engine. */
import { describe, expect, it } from 'vitest';
import { plugin } from '../src/index.ts';

const { options } = plugin.builders['docker']!;

async function issues(value: unknown): Promise<string[]> {
  const result = await options['~standard'].validate(value);
  return (result.issues ?? []).map(({ path = [], message }) => `${path.map(String).join('.')}: ${message}`);
}

const FORMS = 'must be unix:///path, tcp://host[:port] or ssh://[user@]host[:port][/path of a socket]';
const tls = { ca: '/ca.pem', cert: '/cert.pem', key: '/key.pem' };

describe('options', () => {
  it.each([
    undefined,
    {},
    { host: 'unix:///run/docker.sock' },
    { host: 'tcp://build.example.com:2376', tls },
    { host: 'tcp://[::1]:2375' },
    { host: 'ssh://me@build.example.com:2222/run/docker.sock', ssh: { identity: '/key' } },
    { context: 'remote', ssh: { config: 'ssh.conf' } },
    { tls },
  ])('accepts %j', async (value) => {
    expect(await issues(value)).toEqual([]);
    expect(await options['~standard'].validate(value)).toEqual({ value: value ?? {} });
  });

  it.each([
    [7, [': must be an object']],
    [{ hots: 'x' }, ['hots: unknown option; there are: host, context, tls, ssh']],
    [{ host: 7 }, ['host: must be the address of an engine']],
    [{ host: 'npipe://x' }, [`host: ${FORMS}`]],
    [{ host: 'tcp://' }, [`host: ${FORMS}`]],
    [{ host: 'tcp://user@x/path' }, [`host: ${FORMS}`]],
    [{ host: 'unix://relative' }, [`host: ${FORMS}`]],
    [{ host: 'ssh://me:secret@x' }, ['host: holds a password: ssh asks its agent and its config, never a URL']],
    [{ host: 'ssh://-oProxyCommand=x' }, ['host: "-oProxyCommand=x" cannot be a host for ssh']],
    [{ host: 'unix:///x', tls }, ['tls: only goes with tcp']],
    [{ host: 'tcp://x', ssh: {} }, ['ssh: only goes with ssh']],
    [{ host: 'unix:///x', context: 'y2' }, ['context: names an engine, as host does: leave one of them out']],
    [{ context: '../x' }, ['context: must be the name of a Docker context']],
    [
      { ssh: { config: '', port: 1 } },
      ['ssh.port: unknown option; there are: config, identity', 'ssh.config: must be the path of a file'],
    ],
    [{ tls: [] }, ['tls: must be an object with ca, cert, key']],
    [
      { tls: { ca: 'a', cert: 'c', pem: 'x' } },
      ['tls.pem: unknown option; there are: ca, cert, key', 'tls.key: must be the path of a PEM file'],
    ],
  ])('refuses %j', async (value, expected) => {
    expect(await issues(value)).toEqual(expected);
  });
});
