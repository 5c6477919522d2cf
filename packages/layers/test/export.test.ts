// What an archive of images holds: in which order, byte for byte the same, shared content once, and whole.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLayout } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { prepareExport, readTar, writeLayer, type Compression } from '../src/index.ts';
import { imageOf } from './support/image.ts';
import { collect, file, inPieces, sha256, signal, temporaryCache, temporaryFolder } from './support/rig.ts';

async function rig(compression: Compression = 'gzip') {
  const cache = temporaryCache();
  const layout = openLayout(join(temporaryFolder(), 'layout'));
  const layerOf = async (name: string) =>
    writeLayer(cache, [file(name, `content of ${name}`.repeat(1000))], { compression, signal });
  const [ground, one, two] = [await layerOf('ground'), await layerOf('one'), await layerOf('two')];
  return {
    cache,
    layout,
    first: await imageOf(layout, cache, 'rebake/one', [ground, one]),
    second: await imageOf(layout, cache, 'rebake/two', [ground, two]),
  };
}

async function entriesOf(archive: Uint8Array): Promise<Map<string, Buffer>> {
  const entries = new Map<string, Buffer>();
  for await (const entry of readTar(inPieces(archive))) {
    entries.set(entry.path, entry.type === 'file' ? await collect(entry.bytes()) : Buffer.alloc(0));
  }
  return entries;
}

const parsed = (bytes: Buffer | undefined): unknown => JSON.parse(String(bytes));

describe('an archive', () => {
  it('has Docker’s list first, then a layout with everything, what is shared once', async () => {
    const { layout, first, second } = await rig();
    const images = [
      { layout, reference: 'rebake/one', tags: ['example.com/dss/one:1', 'one:latest'] },
      { layout, reference: second.manifest, tags: [] },
    ];
    const made = await prepareExport(images, { format: 'docker', signal });
    const archive = await collect(made.bytes());
    expect(archive.byteLength).toBe(made.size);
    expect(made.images).toMatchObject([
      { identity: first.identity, manifest: first.manifest, layers: 2, zstdLayers: 0 },
      { identity: second.identity, tags: [] },
    ]);
    const entries = await entriesOf(archive);
    const [top, ...rest] = entries.keys();
    expect([top, ...rest.slice(0, 4)]).toEqual(['manifest.json', 'oci-layout', 'index.json', 'blobs', 'blobs/sha256']);
    expect(rest.slice(4)).toEqual(rest.slice(4).toSorted((a, b) => (a < b ? -1 : 1)));
    // Three layers, two configs, two manifests.
    expect(rest.slice(4)).toHaveLength(7);
    for (const path of rest.slice(4)) expect(sha256(entries.get(path)!)).toBe(`sha256:${path.split('/').at(-1)}`);
    const path = (digest: string): string => `blobs/sha256/${digest.slice(7)}`;
    const held = await Promise.all(['rebake/one', 'rebake/two'].map(async (name) => layout.image(name)));
    expect(parsed(entries.get('manifest.json'))).toEqual([
      {
        Config: path(first.identity),
        RepoTags: ['example.com/dss/one:1', 'one:latest'],
        Layers: held[0]!.layers.map(({ digest }) => path(digest)),
      },
      { Config: path(second.identity), RepoTags: [], Layers: held[1]!.layers.map(({ digest }) => path(digest)) },
    ]);
    const { manifests } = parsed(entries.get('index.json')) as {
      manifests: { digest: string; annotations?: object }[];
    };
    expect(manifests.map(({ digest }) => digest)).toEqual([first.manifest, first.manifest, second.manifest]);
    expect(manifests.map(({ annotations = {} }) => Object.values(annotations)[0])).toEqual([
      'example.com/dss/one:1',
      'one:latest',
      undefined,
    ]);
  });

  it('is the same bytes each time, and can be read twice', async () => {
    const { layout } = await rig();
    const other = await rig();
    const make = async (from: typeof layout) =>
      prepareExport([{ layout: from, reference: 'rebake/one', tags: ['a:b'] }], { format: 'docker', signal });
    const made = await make(layout);
    const digest = sha256(await collect(made.bytes()));
    expect(sha256(await collect(made.bytes()))).toBe(digest);
    expect(sha256(await collect((await make(other.layout)).bytes()))).toBe(digest);
  });

  it('for OCI alone is a layout and nothing else', async () => {
    const { layout } = await rig();
    const made = await prepareExport([{ layout, reference: 'rebake/one', tags: ['a:b'] }], { format: 'oci', signal });
    expect([...(await entriesOf(await collect(made.bytes()))).keys()].slice(0, 2)).toEqual([
      'oci-layout',
      'index.json',
    ]);
  });

  it('counts layers of zstd, and holds gzip instead where that is asked for: the image stays the same', async () => {
    const { layout, cache, first } = await rig('zstd');
    const images = [{ layout, reference: 'rebake/one', tags: ['a:b'] }];
    const asItIs = await prepareExport(images, { format: 'docker', signal });
    expect(asItIs.images).toMatchObject([{ zstdLayers: 2, manifest: first.manifest }]);
    const made = await prepareExport(images, { format: 'docker', signal, gzip: cache });
    expect(made.images).toMatchObject([{ zstdLayers: 0, identity: first.identity }]);
    expect(made.images[0]?.manifest).not.toBe(first.manifest);
    const entries = await entriesOf(await collect(made.bytes()));
    const manifest = parsed(entries.get(`blobs/sha256/${made.images[0]?.manifest.slice(7)}`)) as {
      layers: { mediaType: string }[];
    };
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual(
      Array(2).fill('application/vnd.oci.image.layer.v1.tar+gzip'),
    );
  });

  it('is not finished when a blob is not what it should be, and not begun when one is missing', async () => {
    const { layout } = await rig();
    const images = [{ layout, reference: 'rebake/one', tags: [] }];
    const made = await prepareExport(images, { format: 'docker', signal });
    const [layer] = (await layout.image('rebake/one'))!.layers;
    const path = join(layout.dir, 'blobs/sha256', layer!.digest.slice(7));
    writeFileSync(path, Buffer.alloc(layer!.size));
    await expect(collect(made.bytes())).rejects.toMatchObject({ error: { code: 'BLOB_MISMATCH' } });
    writeFileSync(path, '');
    await expect(prepareExport(images, { format: 'docker', signal })).rejects.toMatchObject({
      error: { code: 'BLOB_MISSING' },
    });
  });
});
