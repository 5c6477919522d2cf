/** Options and environment: what is accepted, and which engine it names. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveEndpoint, shown } from '../src/endpoint.ts';
import { plugin } from '../src/index.ts';

const { options } = plugin.builders['docker']!;

async function issues(value: unknown): Promise<string[]> {
  const result = await options['~standard'].validate(value);
  return (result.issues ?? []).map(({ path = [], message }) => `${path.map(String).join('.')}: ${message}`);
}

const tls = { ca: '/ca.pem', cert: '/cert.pem', key: '/key.pem' };

describe('options', () => {
  it.each([
    undefined,
    {},
    { host: 'unix:///run/docker.sock' },
    { host: 'tcp://build.example.com:2376', tls },
    { host: 'tcp://[::1]:2375' },
  ])('accepts %j', async (value) => {
    expect(await issues(value)).toEqual([]);
    expect(await options['~standard'].validate(value)).toEqual({ value: value ?? {} });
  });

  it.each([
    [7, [': must be an object']],
    [{ hots: 'x' }, ['hots: unknown option; there are: host, tls']],
    [{ host: 'ssh://x' }, ['host: must be unix:///path or tcp://host[:port]']],
    [{ host: 'tcp://' }, ['host: must be unix:///path or tcp://host[:port]']],
    [{ host: 'tcp://user@x/path' }, ['host: must be unix:///path or tcp://host[:port]']],
    [{ host: 'unix://relative' }, ['host: must be unix:///path or tcp://host[:port]']],
    [{ host: 'unix:///x', tls }, ['tls: a unix socket has no TLS']],
    [{ tls: [] }, ['tls: must be an object with ca, cert and key']],
    [
      { tls: { ca: 'a', cert: 'c', pem: 'x' } },
      ['tls.pem: unknown option; there are: ca, cert, key', 'tls.key: must be the path of a PEM file'],
    ],
  ])('refuses %j', async (value, expected) => {
    expect(await issues(value)).toEqual(expected);
  });
});

describe('resolveEndpoint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rebake-docker-'));
  for (const name of ['ca', 'cert', 'key']) writeFileSync(join(folder, `${name}.pem`), name);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes the option, then DOCKER_HOST, then the usual socket', () => {
    expect(shown(resolveEndpoint({ host: 'unix:///a' }, { DOCKER_HOST: 'unix:///b' }))).toBe('unix:///a');
    expect(shown(resolveEndpoint({}, { DOCKER_HOST: 'unix:///b' }))).toBe('unix:///b');
    expect(shown(resolveEndpoint({}, {}))).toBe('unix:///var/run/docker.sock');
    expect(shown(resolveEndpoint({}, { DOCKER_HOST: '' }))).toBe('unix:///var/run/docker.sock');
  });

  it('takes TLS from the environment as docker does', () => {
    const env = { DOCKER_HOST: 'tcp://build.example.com', DOCKER_CERT_PATH: folder };
    expect(resolveEndpoint({}, env)).toMatchObject({ kind: 'tcp', port: 2375, tls: null });
    expect(resolveEndpoint({}, { ...env, DOCKER_TLS_VERIFY: '1' })).toMatchObject({
      kind: 'tcp',
      host: 'build.example.com',
      port: 2376,
      tls: { ca: Buffer.from('ca'), cert: Buffer.from('cert'), key: Buffer.from('key') },
    });
  });

  it('takes IPv6 addresses', () => {
    expect(resolveEndpoint({ host: 'tcp://[::1]:99' }, {})).toMatchObject({ host: '::1', port: 99 });
  });

  it('says what it cannot follow', () => {
    expect(() => resolveEndpoint({}, { DOCKER_HOST: 'ssh://build' })).toThrow(
      /ENGINE_UNREACHABLE: DOCKER_HOST is ssh:\/\/build/,
    );
    const files = { ca: join(folder, 'nothing.pem'), cert: '/x', key: '/y' };
    expect(() => resolveEndpoint({ host: 'tcp://x', tls: files }, {})).toThrow(/cannot read .*nothing\.pem/);
  });
});
