/** Images of layouts and archives: found by name and platform, checked, and in the cache afterwards. */
import { appendFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Cache } from '@rebake/cache';
import type { FileSet, Platform } from '@rebake/image';
import { beforeAll, describe, expect, it } from 'vitest';
import { openImageArchive, openImageFs, recompress, type ArchivedImage } from '../src/index.ts';
import { asTar, fileSet, ociFiles, savedTar, testImage, write, type Files, type TestImage } from './support/images.ts';
import { codeOf, collect, sha256, signal, tarOf, temporaryCache, temporaryFolder } from './support/rig.ts';

const AMD = { os: 'linux', architecture: 'amd64' };
const ARM = { os: 'linux', architecture: 'arm64' };

let one: TestImage;
let two: TestImage;
let arm: TestImage;
beforeAll(async () => {
  one = await testImage(['base', 'top']);
  two = await testImage(['base', 'other']);
  arm = await testImage(['arm'], 'linux/arm64');
});

const open = async (
  files: FileSet,
  name: string | null = null,
  platform: Platform = 'linux/amd64',
  cache: Cache = temporaryCache(),
): Promise<ArchivedImage> => openImageArchive(cache, files, name, platform, signal);

const asFolder = (files: Files): FileSet => write(temporaryFolder(), files);
const asFile = (bytes: Buffer): FileSet => write(temporaryFolder(), new Map([['image.tar', bytes]]));

async function expectImage(
  files: FileSet,
  image: TestImage,
  name: string | null = null,
  platform: Platform = 'linux/amd64',
): Promise<void> {
  const cache = temporaryCache();
  const opened = await open(files, name, platform, cache);
  expect(opened.identity).toBe(image.identity);
  expect(Buffer.from(opened.config).equals(image.config)).toBe(true);
  expect(opened.layers.map(({ diffId }) => diffId)).toEqual(image.layers.map(sha256));
  for (const layer of opened.layers) {
    expect(sha256(await collect(layer.read()))).toBe(layer.digest);
    expect((await recompress(cache, layer, 'gzip', signal)).diffId).toBe(layer.diffId);
  }
  const fs = openImageFs(cache, opened.layers, signal);
  expect(await fs.list('')).toEqual(image.layers.map((_, i) => `file-${i}`));
}

describe('an image is found', () => {
  it('in a folder that is a layout', async () => expectImage(asFolder(ociFiles([{ image: one }])), one));

  it('in an index in an index', async () => {
    const files = ociFiles(
      [
        { image: arm, platform: ARM },
        { image: one, platform: AMD },
      ],
      true,
    );
    await expectImage(asFolder(files), one);
    await expectImage(asFolder(files), arm, null, 'linux/arm64');
  });

  it('by its platform, also where only its config says it, and beside attestations', async () => {
    const files = ociFiles([
      { image: arm },
      { image: one },
      { image: two, platform: { os: 'unknown', architecture: 'unknown' } },
    ]);
    await expectImage(asFolder(files), one);
    await expectImage(asFolder(files), arm, null, 'linux/arm64');
  });

  it('by its name', async () => {
    const files = ociFiles([
      { image: one, name: 'base:1' },
      { image: two, name: 'base:2' },
    ]);
    await expectImage(asFolder(files), two, 'base:2');
    await expectImage(asFile(await asTar(files)), one, 'base:1');
  });

  it('in an archive that is a layout, plain and compressed', async () => {
    const tar = await asTar(ociFiles([{ image: one }]));
    await expectImage(asFile(tar), one);
    await expectImage(asFile(gzipSync(tar)), one);
    await expectImage(asFile(zstdCompressSync(tar)), one);
  });

  it('in an archive of docker save, layers that are links included', async () => {
    const tar = await savedTar([
      { image: one, tags: ['base:1', 'docker.io/library/other:latest'] },
      { image: two, tags: ['localhost:5000/x:2'] },
    ]);
    await expectImage(asFile(tar), one, 'base:1');
    await expectImage(asFile(tar), one, 'other');
    await expectImage(asFile(tar), two, 'localhost:5000/x:2');
    await expectImage(asFile(gzipSync(await savedTar([{ image: one, tags: null }]))), one);
  });

  it('in an archive that is both, by the names of either', async () => {
    const files = ociFiles([{ image: one, name: 'of-the-layout' }]);
    const manifest = [
      {
        Config: `blobs/sha256/${one.identity.slice(7)}`,
        RepoTags: ['of-docker:1'],
        Layers: [...files.keys()].slice(0, 2),
      },
    ];
    files.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
    const tar = asFile(await asTar(files));
    await expectImage(tar, one, 'of-the-layout');
    await expectImage(tar, one, 'of-docker:1');
    await expectImage(tar, one);
  });
});

it('is read once: afterwards it is known by the digests of its files', async () => {
  const cache = temporaryCache();
  const files = asFile(await savedTar([{ image: one, tags: ['a'] }]));
  const first = await open(files, null, 'linux/amd64', cache);
  rmSync(join(files.root, 'image.tar'));
  const second = await open(files, null, 'linux/amd64', cache);
  expect(second.identity).toBe(first.identity);
  expect(second.layers.map(({ digest }) => digest)).toEqual(first.layers.map(({ digest }) => digest));
});

describe('an image is refused', () => {
  it('where it cannot be told which is meant', async () => {
    const files = asFolder(
      ociFiles([
        { image: one, name: 'a' },
        { image: two, name: 'b' },
      ]),
    );
    expect(await codeOf(open(files))).toMatch(
      /^LAYOUT_IMAGE_UNKNOWN: .*several images, and none is named; it has a, b/,
    );
    expect(await codeOf(open(files, 'c'))).toMatch(/^LAYOUT_IMAGE_UNKNOWN: .*no image "c"; it has a, b/);
    const saved = asFile(
      await savedTar([
        { image: one, tags: ['a:1'] },
        { image: two, tags: null },
      ]),
    );
    expect(await codeOf(open(saved))).toMatch(/^LAYOUT_IMAGE_UNKNOWN: .*several images/);
    expect(await codeOf(open(saved, 'b'))).toMatch(/^LAYOUT_IMAGE_UNKNOWN: .*no image "b"; it has a:1/);
  });

  it('where there is none for the platform', async () => {
    const folder = asFolder(ociFiles([{ image: arm, platform: ARM }]));
    expect(await codeOf(open(folder))).toMatch(/^PLATFORM_MISSING: .*linux\/amd64/);
    expect(await codeOf(open(asFile(await savedTar([{ image: arm, tags: null }]))))).toMatch(/^PLATFORM_MISSING: /);
  });

  it('when its files are others than those of the plan', async () => {
    const folder = asFolder(ociFiles([{ image: one }]));
    writeFileSync(join(folder.root, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
    expect(await codeOf(open(folder))).toMatch(/^INPUT_MOVED: .*index\.json/);
    const tar = asFile(await asTar(ociFiles([{ image: one }])));
    appendFileSync(join(tar.root, 'image.tar'), Buffer.alloc(512));
    expect(await codeOf(open(tar))).toMatch(/^INPUT_MOVED: /);
    rmSync(join(tar.root, 'image.tar'));
    expect(await codeOf(open(tar))).toMatch(/^INPUT_MOVED: /);
  });

  it('when a blob is not that of its name, or is missing', async () => {
    const files = ociFiles([{ image: one }]);
    const [layer] = [...files.keys()];
    const changed = new Map(files).set(layer!, gzipSync('something else'));
    expect(await codeOf(open(asFolder(changed)))).toMatch(/^BLOB_MISMATCH: /);
    const without = new Map(files);
    without.delete(layer!);
    expect(await codeOf(open(asFolder(without)))).toMatch(/^BLOB_MISSING: .*blobs\/sha256/);
    const config = `blobs/sha256/${one.identity.slice(7)}`;
    expect(await codeOf(open(asFolder(new Map(files).set(config, Buffer.from('{}')))))).toMatch(/^BLOB_MISMATCH: /);
  });

  it('when a layer is not that of its diff ID', async () => {
    const lie = { ...one, layers: [await tarOf([{ name: 'x', content: 'lie' }]), one.layers[1]!] };
    expect(await codeOf(open(asFolder(ociFiles([{ image: lie }]))))).toMatch(/^BLOB_MISMATCH: layer sha256:/);
    expect(await codeOf(open(asFile(await savedTar([{ image: lie, tags: null }]))))).toMatch(/^BLOB_MISMATCH: /);
  });

  it('when a layer in it is hostile', async () => {
    const layer = await tarOf([{ name: '../../etc/cron.d/evil' }]);
    const config = Buffer.from(
      JSON.stringify({ ...AMD, config: {}, rootfs: { type: 'layers', diff_ids: [sha256(layer)] } }),
    );
    const image = { config, identity: sha256(config), layers: [layer] };
    expect(await codeOf(open(asFolder(ociFiles([{ image }]))))).toMatch(/^ARCHIVE_INVALID: .*path with \.\./);
  });

  it('when it is no image, or a document of it is broken', async () => {
    const files = ociFiles([{ image: one }]);
    const broken = (path: string, text: string): Promise<string> =>
      codeOf(open(asFolder(new Map(files).set(path, Buffer.from(text)))));
    expect(await broken('index.json', '{')).toMatch(/^LAYOUT_INVALID: .*not JSON/);
    expect(await broken('index.json', '{"schemaVersion":1,"manifests":[]}')).toMatch(
      /^LAYOUT_INVALID: .*schemaVersion/,
    );
    expect(await broken('oci-layout', '{"imageLayoutVersion":"2.0.0"}')).toMatch(/^LAYOUT_INVALID: .*version 1/);
    expect(
      await codeOf(
        open(
          asFolder(
            new Map([
              ['a', Buffer.from('x')],
              ['b', Buffer.from('y')],
            ]),
          ),
        ),
      ),
    ).toMatch(/^LAYOUT_INVALID: .*neither/);
    expect(await codeOf(open(asFile(await tarOf([{ name: 'a' }]))))).toMatch(/^ARCHIVE_INVALID: .*neither/);
    const saved = (manifest: string): Promise<string> =>
      tarOf([{ name: 'manifest.json', content: manifest }]).then((tar) => codeOf(open(asFile(tar))));
    expect(await saved('{}')).toMatch(/^ARCHIVE_INVALID: .*no list/);
    expect(await saved('[{"Config":"c","Layers":[1]}]')).toMatch(/^ARCHIVE_INVALID: .*lacks/);
    expect(await saved('[{"Config":"../../c.json","Layers":[]}]')).toMatch(/^ARCHIVE_INVALID: .*path with \.\./);
    expect(await saved('[{"Config":"c.json","Layers":[]}]')).toMatch(/^BLOB_MISSING: .*c\.json/);
  });

  it('when the archive is torn', async () => {
    const { root } = asFile(await asTar(ociFiles([{ image: one }])));
    truncateSync(join(root, 'image.tar'), 3000);
    expect(await codeOf(open(fileSet(root, ['image.tar'])))).toMatch(/^ARCHIVE_INVALID: .*ends too early/);
    expect(await codeOf(open(asFile(gzipSync(await asTar(ociFiles([{ image: one }]))).subarray(0, 200))))).toMatch(
      /^ARCHIVE_INVALID: /,
    );
    expect(await codeOf(open({ root, files: [] }))).toMatch(/^ARCHIVE_INVALID: /);
  });
});
