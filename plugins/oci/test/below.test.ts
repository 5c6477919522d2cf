/** Images that others made, below those of this builder: what is taken over, and what is refused. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BuildFailure, digestOfBytes, openLayout, type Output, type Step } from '@rebake/image';
import { afterAll, describe, expect, it } from 'vitest';
import { context, jobOf, ociBuilder, temporaryFolder } from './kit.ts';
import { documentsOf, textOf, withFs } from './files.ts';
import { rootfsOf, tarOf, type Entries } from './tar.ts';

const folder = temporaryFolder();
const dir = join(folder, 'layout');
const options = { cache: join(folder, 'cache'), store: { layout: dir } };
const builder = await ociBuilder(options, folder);
afterAll(async () => builder.close());

const OCI = 'application/vnd.oci.image';

interface Made {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly layers: readonly { readonly entries: Entries; readonly urls?: (bytes: Buffer) => readonly string[] }[];
}

let images = 0;

/** Puts an image into the layout as another tool would. */
async function made({ config = {}, layers }: Made): Promise<Output> {
  const layout = openLayout(dir);
  const store = async (mediaType: string, bytes: Buffer) => {
    const digest = digestOfBytes(bytes);
    await layout.write({ digest }, once(bytes));
    return { mediaType, digest, size: bytes.byteLength };
  };
  const diffIds: string[] = [];
  const descriptors: unknown[] = [];
  for (const { entries, urls } of layers) {
    const tar = tarOf(entries);
    const bytes = gzipSync(tar);
    diffIds.push(digestOfBytes(tar));
    const type = urls === undefined ? `${OCI}.layer.v1.tar+gzip` : `${OCI}.layer.nondistributable.v1.tar+gzip`;
    const own = { mediaType: type, digest: digestOfBytes(bytes), size: bytes.byteLength };
    descriptors.push(urls === undefined ? await store(type, bytes) : { ...own, urls: urls(bytes) });
  }
  const document = { os: 'linux', architecture: 'amd64', config, rootfs: { type: 'layers', diff_ids: diffIds } };
  const its = await store(`${OCI}.config.v1+json`, Buffer.from(JSON.stringify(document)));
  const manifest = { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config: its, layers: descriptors };
  const target = await store(manifest.mediaType, Buffer.from(JSON.stringify(manifest)));
  const name = `example/made:${(images += 1)}`;
  await layout.name(name, target);
  return { identity: its.digest, at: [{ engine: `layout:${await layout.id()}`, name }] };
}

function copied(text: string, to = '/opt'): Step {
  const path = `${digestOfBytes(text).slice(7, 19)}.txt`;
  writeFileSync(join(folder, path), text);
  return {
    step: 'copy',
    files: { root: folder, files: [{ path, digest: digestOfBytes(text), exec: false }] },
    to,
    owner: '0:0',
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof BuildFailure ? error.error.code : String(error)),
  );
}

describe('an image below', () => {
  it('with instructions for its children is refused: nothing runs here', async () => {
    const parent = await made({ config: { OnBuild: ['RUN true'] }, layers: [{ entries: { 'opt/': '' } }] });
    expect(await codeOf(builder.build(jobOf(parent, [copied('a')]), context()))).toBe('STEP_UNSUPPORTED');
  });

  it('keeps a layer that is somewhere else there, and it is fetched only to be read', async () => {
    let asked = 0;
    let served: Buffer = Buffer.alloc(0);
    const server = createServer((_request, answer) => {
      asked += 1;
      answer.end(served);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/layer`;
    try {
      const parent = await made({
        layers: [
          { entries: { 'opt/': '', 'opt/own.txt': 'own' } },
          {
            entries: { 'opt/foreign.txt': 'foreign' },
            urls: (bytes) => {
              served = bytes;
              return [`file://${join(folder, 'nothing')}`, address];
            },
          },
        ],
      });
      await builder.build(jobOf(parent, [], { env: { A: 'a' } }), context());
      expect(asked).toBe(0);
      const image = await builder.build(jobOf(parent, [copied('b')]), context());
      expect(asked).toBe(1);
      const { manifest } = await documentsOf(dir, image);
      expect(manifest.layers.map((layer) => 'urls' in layer)).toEqual([false, true, false]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('whose removed files are removed stays without them', async () => {
    const parent = await made({
      layers: [
        { entries: { 'opt/': '', 'opt/data/': '', 'opt/data/old.txt': 'old' } },
        { entries: { 'opt/.wh.data': '' } },
      ],
    });
    const image = await builder.build(jobOf(parent, [copied('new', '/opt/data')]), context());
    await withFs(folder, dir, image, async (fs) => {
      expect(await textOf(fs, 'opt/data/old.txt')).toBeNull();
      expect(await fs.list('opt/data')).toHaveLength(1);
    });
  });

  it('with as many layers as can be takes no more', { timeout: 60_000 }, async () => {
    const layers = Array.from({ length: 125 }, (_one, index) => ({ entries: { [`f${index}`]: `${index}` } }));
    const parent = await made({ layers });
    expect(await codeOf(builder.build(jobOf(parent, [copied('a')]), context()))).toBe('LAYERS_TOO_MANY');
    expect(await codeOf(builder.build(jobOf(parent, [], { env: { A: 'a' } }), context()))).toBe('none');
  });

  it('that is another by now is refused', async () => {
    const parent = await made({ layers: [{ entries: { 'opt/': '' } }] });
    const gone: Output = { ...parent, identity: digestOfBytes('another') };
    expect(await codeOf(builder.build(jobOf(gone, [copied('a')]), context()))).toBe('PARENT_MISSING');
  });
});

describe('builds at once', () => {
  it('by two builders over one layout and one cache come out as one after the other', { timeout: 60_000 }, async () => {
    const other = await ociBuilder(options, folder);
    try {
      const base = await builder.build(jobOf(null, [rootfsOf(folder, { 'opt/': '', 'opt/x': 'x' })]), context());
      const jobs = Array.from({ length: 12 }, (_one, index) =>
        jobOf(base, [copied(`text ${index % 4}`), copied('same')]),
      );
      const built = await Promise.all(
        jobs.map(async (job, index) => (index % 2 ? other : builder).build(job, context())),
      );
      for (const [index, { identity }] of built.entries()) {
        expect(identity).toBe(built[index % 4]?.identity);
        const seen = await builder.inspect({ key: jobs[index]!.key }, context());
        expect(seen).toMatchObject({ seen: 'yes', value: { identity } });
      }
      expect(new Set(built.map(({ identity }) => identity)).size).toBe(4);
    } finally {
      await other.close();
    }
  });
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
