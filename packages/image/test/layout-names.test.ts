// Names of a layout, the images behind them, and sweeping what none of them reaches.
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOfBytes, openLayout, type Descriptor, type Digest, type Layout } from '../src/index.ts';
import { INDEX_TYPE, MANIFEST_TYPE, tinyImage, tinyIndex, type TinyImage } from './fake-registry.ts';
import { failureOf, put, putImage, temporaryLayout } from './layout-tools.ts';

const none = digestOfBytes('none');
const image = tinyImage('amd64', ['one', 'two']);
const pathOf = (dir: string, digest: Digest): string => join(dir, 'blobs/sha256', digest.slice(7));
const indexOf = (dir: string): { manifests: Record<string, unknown>[]; [field: string]: unknown } =>
  JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as ReturnType<typeof indexOf>;

/** Stores an index with whatever stands in it. */
async function putIndex(layout: Layout, manifests: readonly Record<string, unknown>[]): Promise<Descriptor> {
  const bytes = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests });
  return { mediaType: INDEX_TYPE, digest: await put(layout, bytes), size: bytes.length };
}

function entryOf({ manifest, manifestBytes }: TinyImage, os?: string, architecture?: string): Record<string, unknown> {
  const entry = { mediaType: MANIFEST_TYPE, digest: manifest, size: manifestBytes.length };
  return os === undefined ? entry : { ...entry, platform: { os, architecture } };
}

const attestation = (): Record<string, unknown> => entryOf(tinyImage('unknown', ['statement']), 'unknown', 'unknown');

describe('a name', () => {
  it('leads to what it was put on last, in every opening of the layout', async () => {
    using made = temporaryLayout();
    const first = await putImage(made.layout, image);
    const second = await putImage(made.layout, tinyImage('arm64'));
    await made.layout.name('dss/base:14.1.2', first);
    await made.layout.name('other', first);
    await made.layout.name('dss/base:14.1.2', second);
    const layout = openLayout(made.dir);
    expect(await layout.resolve('dss/base:14.1.2')).toEqual(second);
    expect(Object.fromEntries(await layout.names())).toEqual({ 'dss/base:14.1.2': second, other: first });
    expect(await layout.unname('other')).toBe(true);
    expect(await layout.unname('other')).toBe(false);
    expect(await made.layout.resolve('other')).toBeNull();
  });

  it('leaves what other tools have written as it is', async () => {
    using made = temporaryLayout();
    const target = await putImage(made.layout, image);
    const foreign = [
      { ...target, annotations: { 'org.opencontainers.image.ref.name': 'theirs', 'com.example.x': 'y' }, data: 'e30=' },
      { ...target, platform: { os: 'linux', architecture: 'amd64' } },
    ];
    const index = { schemaVersion: 2, manifests: foreign, annotations: { a: 'b' }, future: 1 };
    writeFileSync(join(made.dir, 'index.json'), JSON.stringify(index));
    await made.layout.name('ours', target);
    expect(indexOf(made.dir)).toEqual({
      ...index,
      manifests: [...foreign, { ...target, annotations: { 'org.opencontainers.image.ref.name': 'ours' } }],
    });
    expect([...(await made.layout.names()).keys()]).toEqual(['theirs', 'ours']);
    await made.layout.unname('ours');
    expect(indexOf(made.dir)).toEqual(index);
  });

  it.each(['', '-rf', 'a b', 'a\nb', '../x', 'é', 'x'.repeat(600)])('is not %j', async (name) => {
    using made = temporaryLayout();
    const target = await putImage(made.layout, image);
    expect(await failureOf(made.layout.name(name, target))).toMatch(/^NAME_INVALID: /);
  });

  it.each(['latest', 'registry.example.com:5000/dss/base:1@sha256', '[::1]:5000/a', 'a__b/c--d', 'sha256-abc.sig'])(
    'can be %j',
    async (name) => {
      using made = temporaryLayout();
      const target = await putImage(made.layout, image);
      await made.layout.name(name, target);
      expect(await made.layout.resolve(name)).toEqual(target);
    },
  );

  it('is put only on what is wholly there', async () => {
    using made = temporaryLayout();
    const target = await putImage(made.layout, image);
    const name = async (descriptor: Descriptor): Promise<string> => failureOf(made.layout.name('x', descriptor));
    expect(await name({ ...target, digest: none })).toBe(`BLOB_MISSING: ${made.dir}: there is no blob ${none}`);
    expect(await name({ ...target, size: 1 })).toMatch(/^BLOB_MISSING: /);
    expect(await name({ ...target, mediaType: 'text/plain' })).toMatch(/^LAYOUT_INVALID: .*"text\/plain"/);
    expect(await name({ ...target, mediaType: INDEX_TYPE })).toMatch(/^LAYOUT_INVALID: /);
    for (const blob of image.blobs.keys()) {
      const path = pathOf(made.dir, blob);
      const content = readFileSync(path);
      rmSync(path);
      expect(await name(target)).toBe(`BLOB_MISSING: ${made.dir}: there is no blob ${blob}`);
      expect(await made.layout.image(image.manifest)).toBeNull();
      writeFileSync(path, content);
    }
    await made.layout.name('x', target);
  });

  it('can be put on an index that has some of its images', async () => {
    using made = temporaryLayout();
    const index = tinyIndex({ amd64: image, arm64: tinyImage('arm64') });
    await put(made.layout, index.bytes);
    const target = { mediaType: INDEX_TYPE, digest: index.digest, size: index.bytes.length };
    expect(await failureOf(made.layout.name('x', target))).toMatch(/^BLOB_MISSING: /);
    await putImage(made.layout, image);
    await made.layout.name('x', target);
    expect(await made.layout.image('x', 'linux/amd64')).toMatchObject({ identity: image.identity });
    expect(await made.layout.image('x', 'linux/arm64')).toBeNull();
  });

  it.each([
    ['[]', /index\.json is not an object/],
    ['{"schemaVersion":1,"manifests":[]}', /schemaVersion/],
    ['{"schemaVersion":2,"manifests":[{"digest":"sha256:x"}]}', /manifests\[0\]/],
    ['{"schemaVersion":2,"manifests":{}}', /not a list/],
    ['{', /not JSON/],
  ])('is not looked for in %s', async (content, words) => {
    using made = temporaryLayout();
    await put(made.layout, 'x');
    writeFileSync(join(made.dir, 'index.json'), content);
    const { layout } = made;
    for (const call of [() => layout.names(), () => layout.image('x'), () => layout.sweep({ olderThanMs: 0 })]) {
      const said = await failureOf(call());
      expect(said).toMatch(/^LAYOUT_INVALID: /);
      expect(said).toMatch(words);
    }
    expect(await made.layout.has(digestOfBytes('x'))).toBe(1);
  });
});

describe('an image', () => {
  it('is found by name and by digest', async () => {
    using made = temporaryLayout();
    const manifest = await putImage(made.layout, image);
    await made.layout.name('x', manifest);
    const found = {
      identity: image.identity,
      manifest,
      layers: [expect.objectContaining({ size: 3 }), expect.objectContaining({ size: 3 })],
      config: { os: 'linux', architecture: 'amd64', diffIds: image.diffIds, env: ['A=b'] },
    };
    expect(await made.layout.image('x')).toEqual(found);
    expect(await made.layout.image(image.manifest, 'linux/amd64')).toEqual(found);
    expect(await made.layout.image('y')).toBeNull();
    expect(await failureOf(made.layout.image('x', 'linux/arm64'))).toMatch(
      /^PLATFORM_MISSING: .*x is an image for linux\/amd64, not for linux\/arm64/,
    );
  });

  it('of an index is that of the platform, or the only one; attestations are none', async () => {
    using made = temporaryLayout();
    const { layout } = made;
    const arm = tinyImage('arm64', ['three']);
    await putImage(layout, image);
    await putImage(layout, arm);
    const one = await putIndex(layout, [attestation(), entryOf(image, 'linux', 'amd64')]);
    const bare = await putIndex(layout, [entryOf(image), attestation()]);
    const both = await putIndex(layout, [entryOf(arm, 'linux', 'arm64'), entryOf(image, 'linux', 'amd64')]);
    const nothing = await putIndex(layout, [attestation()]);
    for (const { digest } of [one, bare]) {
      expect(await layout.image(digest)).toMatchObject({ identity: image.identity });
      expect(await layout.image(digest, 'linux/amd64')).toMatchObject({ identity: image.identity });
      expect(await failureOf(layout.image(digest, 'linux/arm64'))).toMatch(/^PLATFORM_MISSING: .*linux\/amd64/);
    }
    expect(await layout.image(both.digest, 'linux/arm64')).toMatchObject({
      identity: arm.identity,
      manifest: { digest: arm.manifest },
    });
    expect(await failureOf(layout.image(both.digest))).toMatch(/^PLATFORM_MISSING: .*several images/);
    expect(await failureOf(layout.image(nothing.digest, 'linux/amd64'))).toMatch(/^PLATFORM_MISSING: .*only for none/);
    const nested = await putIndex(layout, [{ ...both }]);
    expect(await failureOf(layout.image(nested.digest))).toMatch(/^PLATFORM_MISSING: .*an index in an index/);
  });

  it('of Docker is kept as it is', async () => {
    using made = temporaryLayout();
    const docker = 'application/vnd.docker.distribution.manifest.v2+json';
    const bytes = image.manifestBytes.replace(MANIFEST_TYPE, docker);
    await putImage(made.layout, image);
    const manifest = { mediaType: docker, digest: await put(made.layout, bytes), size: bytes.length };
    await made.layout.name('x', manifest);
    expect(await made.layout.image('x')).toMatchObject({ identity: image.identity, manifest });
  });

  it('whose manifest does not say its type is one of the image spec', async () => {
    using made = temporaryLayout();
    await putImage(made.layout, image);
    const bytes = image.manifestBytes.replace(`"mediaType":"${MANIFEST_TYPE}",`, '');
    const digest = await put(made.layout, bytes);
    expect(await made.layout.image(digest)).toMatchObject({
      manifest: { mediaType: MANIFEST_TYPE, digest, size: bytes.length },
    });
  });

  it('is read from a layout that another tool has made', async () => {
    using made = temporaryLayout();
    await made.layout.name('x', await putImage(made.layout, image));
    rmSync(join(made.dir, '.rebake'), { recursive: true });
    const old = new Date(0);
    for (const name of readdirSync(join(made.dir, 'blobs/sha256')))
      utimesSync(join(made.dir, 'blobs/sha256', name), old, old);
    expect(await openLayout(made.dir).image('x')).toMatchObject({ identity: image.identity });
    expect(existsSync(join(made.dir, '.rebake'))).toBe(false);
  });
});

describe('a sweep', () => {
  /** Makes everything that is there old. */
  function age(dir: string): void {
    const hourAgo = new Date(Date.now() - 3_600_000);
    for (const folder of ['blobs/sha256', '.rebake/ingest']) {
      for (const name of readdirSync(join(dir, folder))) utimesSync(join(dir, folder, name), hourAgo, hourAgo);
    }
  }
  const halfAnHour = { olderThanMs: 1_800_000 };

  it('takes what no name reaches, and leaves the rest', async () => {
    using made = temporaryLayout();
    const { layout } = made;
    const arm = tinyImage('arm64', ['three']);
    const gone = tinyImage('amd64', ['one', 'four']);
    const index = tinyIndex({ amd64: image, arm64: arm });
    for (const one of [image, arm, gone]) await putImage(layout, one);
    await put(layout, index.bytes);
    await layout.name('x', { mediaType: INDEX_TYPE, digest: index.digest, size: index.bytes.length });
    await layout.name('gone', await putImage(layout, gone));
    const loose = await put(layout, 'loose');
    writeFileSync(join(made.dir, 'blobs/sha256/notes.txt'), 'mine');
    age(made.dir);
    expect(await layout.sweep(halfAnHour)).toEqual({ blobs: 1, temporaries: 0, bytes: 5 });
    expect(await layout.has(loose)).toBeNull();
    await layout.unname('gone');
    age(made.dir);
    // Its manifest, its config and the layer of its own.
    expect(await layout.sweep(halfAnHour)).toMatchObject({ blobs: 3 });
    expect(await layout.image('x', 'linux/amd64')).toMatchObject({ identity: image.identity });
    expect(await layout.image('x', 'linux/arm64')).toMatchObject({ identity: arm.identity });
    expect(existsSync(join(made.dir, 'blobs/sha256/notes.txt'))).toBe(true);
    expect(await layout.sweep(halfAnHour)).toEqual({ blobs: 0, temporaries: 0, bytes: 0 });
  });

  it('leaves what was just written, found there, or asked for', async () => {
    using made = temporaryLayout();
    const { layout } = made;
    const [asked, rewritten] = [await put(layout, 'asked'), await put(layout, 'rewritten')];
    await putImage(layout, image);
    await put(layout, 'forgotten');
    age(made.dir);
    const fresh = await put(layout, 'fresh');
    await layout.has(asked);
    await put(layout, 'rewritten');
    await layout.image(image.manifest);
    expect(await layout.sweep(halfAnHour)).toEqual({ blobs: 1, temporaries: 0, bytes: 9 });
    for (const digest of [fresh, asked, rewritten, image.manifest, ...image.blobs.keys()])
      expect(await layout.has(digest)).not.toBeNull();
  });

  it('takes what killed writers left, and nothing of those that write', async () => {
    using made = temporaryLayout();
    const { layout } = made;
    await put(layout, 'x');
    writeFileSync(join(made.dir, '.rebake/ingest/killed'), 'half a bl');
    age(made.dir);
    const writer = await layout.beginWrite('y');
    await writer.append(Buffer.from('y'));
    expect(await layout.sweep(halfAnHour)).toEqual({ blobs: 1, temporaries: 1, bytes: 10 });
    expect(await writer.commit()).toMatchObject({ digest: digestOfBytes('y') });
    await expect(layout.sweep({ olderThanMs: Number.NaN })).rejects.toThrow(RangeError);
  });

  it('takes nothing when it cannot tell what is in use', async () => {
    using made = temporaryLayout();
    await made.layout.name('x', await putImage(made.layout, image));
    const loose = await put(made.layout, 'loose');
    writeFileSync(pathOf(made.dir, image.manifest), '{}');
    expect(await failureOf(made.layout.sweep({ olderThanMs: 0 }))).toMatch(/^BLOB_MISMATCH: /);
    expect(await made.layout.has(loose)).toBe(5);
  });

  it('keeps what another tool has put into the index without a name', async () => {
    using made = temporaryLayout();
    const target = await putImage(made.layout, image);
    writeFileSync(join(made.dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [target] }));
    expect(await made.layout.sweep({ olderThanMs: 0 })).toMatchObject({ blobs: 0 });
  });
});
