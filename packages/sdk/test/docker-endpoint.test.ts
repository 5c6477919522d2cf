/** Which Docker engine is meant: the order of the docker command, its contexts, and files that others may have written. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveDockerEndpoint, showEndpoint } from '../src/building/index.ts';
import type { DockerWish } from '../src/building/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'rebake-docker-'));
const config = join(folder, 'config');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  rmSync(config, { recursive: true, force: true });
  mkdirSync(config);
});

type Environment = Readonly<Record<string, string>>;

const resolve = (wish: DockerWish, env: Environment = {}) =>
  resolveDockerEndpoint(wish, { DOCKER_CONFIG: config, ...env });
const address = (wish: DockerWish, env: Environment = {}) => showEndpoint(resolve(wish, env));
const pems = (at: string, ...names: string[]) => {
  mkdirSync(at, { recursive: true });
  for (const name of names) writeFileSync(join(at, `${name}.pem`), `${name} of ${at}`);
};
const useContext = (name: string) =>
  writeFileSync(join(config, 'config.json'), JSON.stringify({ currentContext: name }));

const idOf = (name: string) => createHash('sha256').update(name).digest('hex');

function writeContext(name: string, meta: unknown): string {
  const at = join(config, 'contexts/meta', idOf(name));
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'meta.json'), typeof meta === 'string' ? meta : JSON.stringify(meta));
  return join(config, 'contexts/tls', idOf(name), 'docker');
}

const metaOf = (name: string, Host: string, more = {}) => ({
  Name: name,
  Metadata: {},
  Endpoints: { docker: { Host, SkipTLSVerify: false, ...more } },
});

describe('the engine that is meant', () => {
  it('is that of an option, else of DOCKER_HOST, else of DOCKER_CONTEXT, else of the context in use, else the usual one', () => {
    for (const name of ['one', 'two', 'three']) writeContext(name, metaOf(name, `unix:///${name}`));
    const env = { DOCKER_HOST: 'unix:///env', DOCKER_CONTEXT: 'two' };
    expect(address({})).toBe('unix:///var/run/docker.sock');
    useContext('three');
    expect(address({}, { ...env })).toBe('unix:///env');
    expect(address({ host: 'unix:///option' }, env)).toBe('unix:///option');
    expect(address({ context: 'one' }, env)).toBe('unix:///one');
    expect(address({}, { DOCKER_CONTEXT: 'two' })).toBe('unix:///two');
    expect(address({}, { DOCKER_HOST: '', DOCKER_CONTEXT: '' })).toBe('unix:///three');
  });

  it('has contexts named default for none', () => {
    useContext('default');
    expect(address({})).toBe('unix:///var/run/docker.sock');
    writeContext('two', metaOf('two', 'unix:///two'));
    useContext('two');
    expect(address({}, { DOCKER_CONTEXT: 'default' })).toBe('unix:///var/run/docker.sock');
    expect(address({ context: 'default' }, { DOCKER_HOST: 'unix:///env' })).toBe('unix:///env');
  });

  it('is found without any config', () => {
    rmSync(config, { recursive: true });
    expect(address({})).toBe('unix:///var/run/docker.sock');
    expect(showEndpoint(resolveDockerEndpoint({}, { HOME: folder }))).toBe('unix:///var/run/docker.sock');
  });

  it('may be reached by ssh, with a socket of its own over there', () => {
    expect(resolve({ ssh: { config: 'x' } }, { DOCKER_HOST: 'ssh://me@build:2222/run/x.sock' })).toEqual({
      kind: 'ssh',
      target: { host: 'build', user: 'me', port: 2222, path: '/run/x.sock' },
      remote: ['docker', '--host=unix:///run/x.sock', 'system', 'dial-stdio'],
      ssh: { config: 'x', env: { DOCKER_CONFIG: config, DOCKER_HOST: 'ssh://me@build:2222/run/x.sock' } },
    });
    expect(resolve({ host: 'ssh://build' })).toMatchObject({ remote: ['docker', 'system', 'dial-stdio'] });
  });

  it('takes IPv6 addresses', () => {
    expect(resolve({ host: 'tcp://[::1]:99' })).toMatchObject({ host: '::1', port: 99 });
  });
});

describe('TLS', () => {
  it('comes from the environment as for docker: a folder, and whether the engine is checked', () => {
    const certs = join(folder, 'certs');
    pems(certs, 'ca', 'cert', 'key');
    const env = { DOCKER_HOST: 'tcp://build.example.com', DOCKER_CERT_PATH: certs };
    expect(resolve({}, env)).toMatchObject({ port: 2375, tls: null });
    const tls = {
      ca: Buffer.from(`ca of ${certs}`),
      cert: Buffer.from(`cert of ${certs}`),
      key: Buffer.from(`key of ${certs}`),
    };
    expect(resolve({}, { ...env, DOCKER_TLS_VERIFY: '1' })).toEqual({
      kind: 'tcp',
      host: 'build.example.com',
      port: 2376,
      tls: { ...tls, rejectUnauthorized: true },
    });
    expect(resolve({}, { ...env, DOCKER_TLS: '1' })).toMatchObject({ tls: { rejectUnauthorized: false } });
  });

  it('needs an authority, and no certificate of our own', () => {
    const env = { DOCKER_TLS_VERIFY: '1' };
    expect(() => resolve({}, env)).toThrow(/ENGINE_UNREACHABLE: cannot read .*ca\.pem/);
    pems(config, 'ca');
    expect(resolve({}, env)).toEqual({
      kind: 'tcp',
      host: 'localhost',
      port: 2376,
      tls: { ca: Buffer.from(`ca of ${config}`), rejectUnauthorized: true },
    });
  });

  it('comes from a context with its files, and from nowhere else then', () => {
    pems(writeContext('remote', metaOf('remote', 'tcp://build.example.com:2376')), 'ca', 'cert', 'key');
    const env = { DOCKER_CONTEXT: 'remote', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' };
    const own = join(config, 'contexts/tls', idOf('remote'), 'docker');
    expect(resolve({}, env)).toMatchObject({ tls: { ca: Buffer.from(`ca of ${own}`), rejectUnauthorized: true } });
    writeContext('plain', metaOf('plain', 'tcp://build.example.com:2375'));
    expect(resolve({ context: 'plain' }, env)).toMatchObject({ tls: null });
    writeContext('lax', metaOf('lax', 'tcp://build.example.com', { SkipTLSVerify: true }));
    expect(resolve({ context: 'lax' }, env)).toMatchObject({ port: 2376, tls: { rejectUnauthorized: false } });
  });

  it('comes from the option before all', () => {
    pems(folder, 'ca', 'cert', 'key');
    const tls = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    writeContext('lax', metaOf('lax', 'tcp://build.example.com', { SkipTLSVerify: true }));
    const expected = { tls: { ca: Buffer.from(`ca of ${folder}`), rejectUnauthorized: true } };
    expect(resolve({ tls, context: 'lax' })).toMatchObject(expected);
    expect(resolve({ tls, host: 'tcp://x' }, { DOCKER_TLS: '1' })).toMatchObject(expected);
    expect(() => resolve({ tls: { ...tls, key: '/nowhere/key.pem' }, host: 'tcp://x' })).toThrow(
      /cannot read \/nowhere\/key\.pem/,
    );
  });
});

describe('what cannot be followed', () => {
  it.each([
    ['npipe:////./pipe/docker_engine', /DOCKER_HOST is npipe:.*must be unix:/],
    ['ssh://-oProxyCommand=x', /"-oProxyCommand=x" cannot be a host for ssh/],
    ['build.example.com:2375', /must be unix:/],
  ])('DOCKER_HOST=%s', (host, words) => {
    expect(() => resolve({}, { DOCKER_HOST: host })).toThrow(words);
  });

  it('a context that is not there is named, with where it was looked for', () => {
    const words = /ENGINE_UNREACHABLE: there is no Docker context gone in .*contexts.*docker context ls/;
    expect(() => resolve({ context: 'gone' })).toThrow(words);
    expect(() => resolve({}, { DOCKER_CONTEXT: 'gone' })).toThrow(words);
    useContext('gone');
    expect(() => resolve({})).toThrow(words);
  });

  it.each([
    ['no name', '../../etc/passwd', undefined, /cannot be the name of a Docker context/],
    ['no JSON', 'bad', '{"Endpoints":', /CREDENTIALS_CONFIG: .*meta\.json: is not JSON/],
    ['no object', 'bad', '[1]', /the Docker context bad names no Docker engine/],
    ['no engine', 'bad', { Name: 'bad', Endpoints: { kubernetes: { Host: 'x' } } }, /names no Docker engine/],
    ['a host that is no text', 'bad', { Endpoints: { docker: { Host: { a: 1 } } } }, /names no Docker engine/],
    ['a host that is none', 'bad', metaOf('bad', 'ssh://$(id)'), /the Docker context bad is ssh:.*cannot be a host/],
    [
      'an inherited name',
      'bad',
      '{"Endpoints":{"__proto__":{"docker":{"Host":"unix:///x"}}}}',
      /names no Docker engine/,
    ],
  ])('a context with %s', (_what, name, meta, words) => {
    if (meta !== undefined) writeContext(name, meta);
    expect(() => resolve({}, { DOCKER_CONTEXT: name })).toThrow(words);
  });

  it.each(['{"auths": {"x": {"auth": "c2VjcmV0"', '{"currentContext": 7}'])('a config file like %s', (text) => {
    writeFileSync(join(config, 'config.json'), text);
    try {
      resolve({});
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ error: { code: 'CREDENTIALS_CONFIG', retry: 'never' } });
      // It holds logins.
      expect(JSON.stringify(error) + String((error as Error).cause)).not.toContain('c2VjcmV0');
    }
    // It is not looked at when the engine has a name.
    expect(address({}, { DOCKER_HOST: 'unix:///env' })).toBe('unix:///env');
  });
});
