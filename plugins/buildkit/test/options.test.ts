/** What a declaration may say of a builder over BuildKit, and what is said back where it is wrong. */
import { describe, expect, it } from 'vitest';
import { plugin } from '../src/index.ts';

const schema = plugin.builders['buildkit']!.options['~standard'];

async function issues(options: unknown): Promise<readonly string[]> {
  const result = await schema.validate(options);
  return (result.issues ?? []).map(({ path = [], message }) => `${path.map(String).join('.')}: ${message}`);
}

async function settings(options: unknown): Promise<unknown> {
  const result = await schema.validate(options);
  if (result.issues) throw new Error(JSON.stringify(result.issues));
  return result.value;
}

describe('the options', () => {
  it('may be nothing at all', async () => {
    const nothing = {
      endpoints: [{ address: null, parallel: 4, platforms: null }],
      store: null,
      compression: { type: 'gzip' },
      cache: null,
      provenance: null,
      sbom: null,
      noCache: false,
    };
    expect(await settings(undefined)).toEqual(nothing);
    expect(await settings({})).toEqual(nothing);
  });

  it('may be of one daemon, or of several', async () => {
    const tls = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem', serverName: 'one' };
    expect(
      await settings({ address: 'tcp://127.0.0.1:1234', tls, parallel: 2, platforms: ['linux/arm64'] }),
    ).toMatchObject({
      endpoints: [
        { address: { kind: 'tcp', host: '127.0.0.1', port: 1234 }, tls, parallel: 2, platforms: ['linux/arm64'] },
      ],
    });
    expect(
      await settings({
        endpoints: [{ address: 'unix:///one' }, { address: 'ssh://two', ssh: { identity: 'key' }, parallel: 1 }],
      }),
    ).toMatchObject({
      endpoints: [
        { address: { kind: 'unix', path: '/one' }, parallel: 4, platforms: null },
        { address: { kind: 'ssh' }, ssh: { identity: 'key' }, parallel: 1, platforms: null },
      ],
    });
  });

  it('say where images are, how they are made, and what comes with them', async () => {
    expect(
      await settings({
        repository: 'registry.example.com:5000/a/b',
        compression: { type: 'zstd', level: 22, force: true },
        cache: { type: 'registry', repository: 'registry.example.com/cache' },
        provenance: 'min',
        sbom: { generator: 'registry.example.com/generator:1' },
        noCache: true,
      }),
    ).toMatchObject({
      store: { repository: { registry: 'registry.example.com:5000', repository: 'a/b' } },
      compression: { type: 'zstd', level: 22, force: true },
      cache: { type: 'registry', at: { registry: 'registry.example.com', repository: 'cache' }, mode: 'max' },
      provenance: 'min',
      sbom: 'registry.example.com/generator:1',
      noCache: true,
    });
    expect(await settings({ layout: 'images', compression: 'zstd', sbom: true, provenance: false })).toMatchObject({
      store: { layout: 'images' },
      compression: { type: 'zstd' },
      sbom: '',
      provenance: null,
    });
    expect(await settings({ repository: 'r.example.com/x', cache: { type: 'inline' } })).toMatchObject({
      cache: { type: 'inline' },
    });
  });

  const long = 'x'.repeat(200);
  it.each<[string, unknown, readonly string[]]>([
    ['no object', 'unix:///x', [': must be an object']],
    [
      'an unknown option',
      { adress: 'x' },
      [expect.stringMatching(/^adress: unknown option; there are: address, tls, /) as string],
    ],
    [
      'an address of no known form',
      { address: 'http://x' },
      [expect.stringMatching(/^address: must be unix:/) as string],
    ],
    ['an address that is no text', { address: 7 }, ['address: must be a text']],
    ['TLS for what has none', { address: 'unix:///x', tls: {} }, ['tls: only tcp has TLS; this is unix']],
    ['TLS that is a text', { tls: 'ca.pem' }, ['tls: must be an object with ca, cert and key']],
    ['a certificate without its key', { tls: { cert: 'a' } }, ['tls.key: a certificate goes with its key']],
    ['a key without its certificate', { tls: { key: 'a' } }, ['tls.cert: a certificate goes with its key']],
    ['a PEM file without a name', { tls: { ca: '' } }, ['tls.ca: must be the path of a PEM file']],
    [
      'an unknown TLS option',
      { tls: { insecure: true } },
      ['tls.insecure: unknown option; there are: ca, cert, key, serverName'],
    ],
    ['ssh for what does not go by it', { address: 'unix:///x', ssh: {} }, ['ssh: nothing goes by ssh; this is unix']],
    ['ssh that is a text', { ssh: 'id' }, ['ssh: must be an object with config or identity']],
    ['a key without a name', { ssh: { identity: '' } }, ['ssh.identity: must be the path of a file']],
    ['an unknown option of ssh', { ssh: { user: 'x' } }, ['ssh.user: unknown option; there are: config, identity']],
    ['no builds at once', { parallel: 0 }, ['parallel: must be a whole number from 1 to 256']],
    ['half a build at once', { parallel: 1.5 }, ['parallel: must be a whole number from 1 to 256']],
    [
      'a platform of another world',
      { platforms: ['windows/amd64'] },
      ['platforms: must be a list of linux/amd64 and linux/arm64'],
    ],
    ['no platform', { platforms: [] }, ['platforms: must be a list of linux/amd64 and linux/arm64']],
    ['no daemons', { endpoints: [] }, ['endpoints: must be a list of at least one daemon']],
    ['a daemon without an address', { endpoints: [{}] }, ['endpoints.0.address: is missing']],
    ['a daemon that is a text', { endpoints: ['unix:///x'] }, ['endpoints.0: must be an object with an address']],
    [
      'a daemon twice',
      { endpoints: [{ address: 'unix:///x' }, { address: 'unix:///x' }] },
      ['endpoints.1.address: is there already'],
    ],
    [
      'one daemon and several',
      { address: 'unix:///x', endpoints: [{ address: 'unix:///y' }] },
      ['address: is for one daemon; with `endpoints`, it goes into each of them'],
    ],
    [
      'an unknown option of a daemon',
      { endpoints: [{ address: 'unix:///x', weight: 2 }] },
      [expect.stringMatching(/^endpoints\.0\.weight: unknown option/) as string],
    ],
    [
      'a repository without a registry',
      { repository: 'a/b' },
      ['repository: must be host/path of a registry, without a tag'],
    ],
    [
      'a repository with a tag',
      { repository: 'r.example.com/a:1' },
      ['repository: must be host/path of a registry, without a tag'],
    ],
    ['a folder without a name', { layout: '' }, ['layout: must be the path of a folder']],
    [
      'two places for images',
      { repository: 'r.example.com/a', layout: 'x' },
      ['layout: images are kept either in a repository or in a layout'],
    ],
    ['an unknown compression', { compression: 'lzma' }, ['compression: must be gzip or zstd']],
    [
      'a level that gzip has not',
      { compression: { type: 'gzip', level: 10 } },
      ['compression.level: must be a whole number from 0 to 9'],
    ],
    [
      'force that is a text',
      { compression: { type: 'zstd', force: 'yes' } },
      ['compression.force: must be true or false'],
    ],
    ['a cache that is a text', { cache: 'inline' }, ['cache: must be an object with a type']],
    ['an unknown cache', { cache: { type: 's3' } }, ['cache.type: must be inline or registry']],
    [
      'an inline cache that nobody could read',
      { cache: { type: 'inline' } },
      ['cache: an inline cache is read from a registry: it goes with `repository`'],
    ],
    [
      'a cache in no repository',
      { cache: { type: 'registry' } },
      ['cache.repository: must be host/path of a registry, without a tag'],
    ],
    [
      'a cache of an unknown mode',
      { cache: { type: 'registry', repository: 'r.example.com/c', mode: 'all' } },
      ['cache.mode: must be min or max'],
    ],
    ['an unknown provenance', { provenance: true }, ['provenance: must be false, min or max']],
    [
      'a generator of no registry',
      { sbom: { generator: 'scanner' } },
      ['sbom.generator: must be the reference of an image, with its registry'],
    ],
    [
      'a generator that would be several fields',
      { sbom: { generator: 'r.example.com/x,y=z' } },
      ['sbom.generator: must be the reference of an image, with its registry'],
    ],
    ['an unknown SBOM', { sbom: 'yes' }, ['sbom: must be true, false or an object with a generator']],
    ['noCache that is a number', { noCache: 1 }, ['noCache: must be true or false']],
    [
      'a path that is too long for a socket',
      { address: `unix:///${long}` },
      [expect.stringMatching(/^address: /) as string],
    ],
  ])('refuse %s', async (_, options, expected) => {
    expect(await issues(options)).toEqual(expected);
  });
});
