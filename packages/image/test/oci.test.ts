// References and OCI documents: what is read, what is refused, and that nothing from outside can do more than be refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  choosePlatform,
  InvalidDocument,
  isRegistryHost,
  isRepository,
  isTag,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  parseConfig,
  parseManifest,
  parseReference,
  type ImageIndex,
} from '../src/index.ts';

const HEX = 'a'.repeat(64);
const DIGEST = `sha256:${HEX}`;
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

describe('a reference', () => {
  it.each([
    ['debian', { registry: null, repository: 'debian' }],
    ['team/app:1.0', { registry: null, repository: 'team/app', tag: '1.0' }],
    ['localhost/app', { registry: 'localhost', repository: 'app' }],
    ['localhost:5000/app:x', { registry: 'localhost:5000', repository: 'app', tag: 'x' }],
    ['r.example/a/b__c-d.e:T_1.2-3', { registry: 'r.example', repository: 'a/b__c-d.e', tag: 'T_1.2-3' }],
    ['[::1]:5000/app', { registry: '[::1]:5000', repository: 'app' }],
    ['UPPER/app', { registry: 'UPPER', repository: 'app' }],
    [`r.example/app@${DIGEST}`, { registry: 'r.example', repository: 'app', digest: DIGEST }],
    [`app:1@${DIGEST}`, { registry: null, repository: 'app', tag: '1', digest: DIGEST }],
  ])('%s', (text, expected) => expect(parseReference(text)).toEqual(expected));

  it.each([
    ['', 'empty'],
    ['r.example/', 'empty'],
    ['App', 'upper-case'],
    ['app:', 'not a tag'],
    ['app:-x', 'not a tag'],
    ['a//b', 'not a repository'],
    ['a/-b', 'not a repository'],
    ['../x', 'not a registry host'],
    ['app@sha256:abc', 'digest'],
    [`app@${DIGEST}@${DIGEST}`, 'more than one @'],
    ['r.example:99999/app', 'not a registry host'],
    ['https://r.example/app', 'not a registry host'],
    ['app\nRUN id', 'upper-case'],
    ['app:1\n', 'not a tag'],
    ['a b', 'not a repository'],
    [`${'a'.repeat(256)}`, 'not a repository'],
  ])('%j is refused', (text, words) => {
    expect(parseReference(text)).toEqual({ error: expect.stringContaining(words) as unknown });
  });

  it('holds no character that means something elsewhere', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aA0.:/@-_[] \n$;"\\'.split('')), maxLength: 20 }), (text) => {
        if (!('error' in parseReference(text))) expect(text).toMatch(/^[A-Za-z0-9.:/@_[\]-]+$/);
      }),
    );
  });

  it('is made of parts that can be checked alone', () => {
    expect(['a', 'a/b', 'a-b', 'A', 'a/', '/a', '', 'a:b'].filter(isRepository)).toEqual(['a', 'a/b', 'a-b']);
    expect(['a', '_A.1-', 'x'.repeat(128), 'x'.repeat(129), '.a', '', 'a/b'].filter(isTag)).toHaveLength(3);
    expect(['h', 'h:1', '[::1]', 'h:', 'h:x', '-h', 'h/x', 'u@h', ''].filter(isRegistryHost)).toEqual([
      'h',
      'h:1',
      '[::1]',
    ]);
  });
});

const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const blob = (size = 1) => ({ mediaType: 'application/octet-stream', digest: DIGEST, size });
const manifest = { schemaVersion: 2, config: blob(), layers: [blob(2)] };
const index = {
  schemaVersion: 2,
  manifests: [
    { ...blob(), platform: { os: 'unknown', architecture: 'unknown' } },
    { ...blob(), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { ...blob(7), platform: { os: 'linux', architecture: 'amd64' } },
    blob(),
  ],
};

describe('a manifest', () => {
  it('is read in both dialects, by its own media type or by the one it was sent with', () => {
    for (const type of [OCI_MANIFEST, DOCKER_MANIFEST]) {
      for (const parsed of [
        parseManifest(bytes({ ...manifest, mediaType: type }), ''),
        parseManifest(bytes(manifest), `${type}; charset=utf-8`),
      ]) {
        expect(parsed).toEqual({ kind: 'manifest', mediaType: type, config: blob(), layers: [blob(2)] });
      }
    }
    for (const type of [OCI_INDEX, DOCKER_LIST])
      expect(parseManifest(bytes(index), type)).toMatchObject({ kind: 'index', mediaType: type });
  });

  it.each([
    ['no JSON', '{', OCI_MANIFEST, 'not JSON'],
    ['not UTF-8', '\0', OCI_MANIFEST, 'not JSON'],
    ['a list', [], OCI_MANIFEST, 'not an object'],
    ['schema 1', { ...manifest, schemaVersion: 1 }, OCI_MANIFEST, 'schemaVersion'],
    ['a type that is not known', { ...manifest, mediaType: 'x/y' }, OCI_MANIFEST, 'x/y is not a manifest'],
    ['both at once', { ...manifest, ...index }, OCI_MANIFEST, 'without the fields'],
    ['one sent as the other', { ...manifest, mediaType: OCI_MANIFEST }, OCI_INDEX, 'that was sent as'],
    ['an index by type and a manifest by shape', { ...manifest, mediaType: OCI_INDEX }, '', 'without the fields'],
    ['no layers', { ...manifest, layers: {} }, OCI_MANIFEST, 'layers is not a list'],
    ['a weak digest', { ...manifest, config: { ...blob(), digest: 'md5:x' } }, OCI_MANIFEST, 'config: digest'],
    ['a negative size', { ...manifest, config: blob(-1) }, OCI_MANIFEST, 'config: size'],
    ['a fractional size', { ...manifest, layers: [blob(1.5)] }, OCI_MANIFEST, 'layers[0]: size'],
    [
      'too many layers',
      { ...manifest, layers: Array.from({ length: 10_001 }, () => blob()) },
      OCI_MANIFEST,
      'more than 10000',
    ],
    ['the prototype as type', { ...manifest, mediaType: 'constructor' }, '', 'not a manifest'],
  ])('with %s is refused', (_, document, type, words) => {
    expect(() => parseManifest(bytes(document), type)).toThrow(InvalidDocument);
    expect(() => parseManifest(bytes(document), type)).toThrow(words);
  });

  it('has a size that can be held in memory', () => {
    expect(() => parseManifest(Buffer.alloc(MAX_MANIFEST_BYTES + 1), OCI_MANIFEST)).toThrow('more than');
    expect(() => parseConfig(Buffer.alloc(MAX_CONFIG_BYTES + 1))).toThrow('more than');
  });

  it('is refused in words and never by accident, whatever it is', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(OCI_MANIFEST, OCI_INDEX, ''), (text, type) => {
        for (const parse of [() => parseManifest(bytes(text), type), () => parseConfig(bytes(text))]) {
          try {
            parse();
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidDocument);
          }
        }
      }),
    );
  });
});

describe('an index', () => {
  const parsed = parseManifest(bytes(index), OCI_INDEX) as ImageIndex;
  it('has an image for a platform, or none', () => {
    expect(choosePlatform(parsed, 'linux/amd64')?.size).toBe(7);
    expect(choosePlatform(parsed, 'linux/arm64')?.platform?.variant).toBe('v8');
    const arm32 = { ...parsed, manifests: parsed.manifests.filter(({ platform }) => platform?.os !== 'linux') };
    expect(choosePlatform(arm32, 'linux/amd64')).toBeNull();
  });
});

describe('a config', () => {
  const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [DIGEST] } };
  it('says what an image is', () => {
    expect(parseConfig(bytes(config))).toEqual({ os: 'linux', architecture: 'amd64', diffIds: [DIGEST], env: [] });
    const full = { ...config, config: { Env: ['A=b'], User: 'u', WorkingDir: '/w', Entrypoint: ['/e'] } };
    expect(parseConfig(bytes(full))).toMatchObject({ env: ['A=b'], user: 'u', workdir: '/w', entrypoint: ['/e'] });
    const empty = { ...config, config: { Env: null, User: '', Entrypoint: null } };
    expect(Object.keys(parseConfig(bytes(empty)))).toEqual(['os', 'architecture', 'diffIds', 'env']);
  });

  it.each([
    ['no rootfs', { ...config, rootfs: undefined }, 'rootfs'],
    ['no architecture', { ...config, architecture: 1 }, 'architecture'],
    ['odd layers', { ...config, rootfs: { diff_ids: ['x'] } }, 'diff_ids'],
    ['odd environment', { ...config, config: { Env: [1] } }, 'Env'],
  ])('with %s is refused', (_, document, words) => expect(() => parseConfig(bytes(document))).toThrow(words));
});
