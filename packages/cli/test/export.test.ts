// `rebake export`: images of a layout in one archive, by the names that they are published under; and what is said when they are not there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { FLEET } from './fleets.ts';
import { copyToLayout } from './layout-copy.ts';
import { rig, type Rig } from './rig.ts';
import { toldToPeople } from './declarations.ts';

async function built(project: Rig): Promise<void> {
  expect((await project.rebake('apply --auto-approve')).code).toBe(EXIT.done);
}

async function identityOf(project: Rig, node: string): Promise<string> {
  const { out } = await project.rebake(`show ${node} --json`);
  const { nodes } = JSON.parse(out) as { nodes: { entry: { output: { identity: string } } }[] };
  return nodes[0]?.entry.output.identity ?? '';
}

/** Paths of the files in a tar of plain names. */
function entriesOf(archive: Buffer): Map<string, Buffer> {
  const entries = new Map<string, Buffer>();
  for (let at = 0; archive[at] !== 0 && at < archive.byteLength;) {
    const text = (from: number, length: number): string =>
      archive.toString('latin1', at + from, at + from + length).split('\0')[0] ?? '';
    const size = Number.parseInt(text(124, 12), 8);
    entries.set(text(0, 100), archive.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

interface Listed {
  readonly Config: string;
  readonly RepoTags: readonly string[];
}

const listOf = (archive: Buffer): readonly Listed[] =>
  JSON.parse(String(entriesOf(archive).get('manifest.json'))) as readonly Listed[];

describe('export', () => {
  it('writes an image under the names that it is published under, and says what it wrote', async () => {
    using project = rig(FLEET);
    await built(project);
    await copyToLayout(project);
    const { code, out, err } = await project.rebake('export glm@python --output glm.tar');
    expect({ code, out }).toEqual({ code: EXIT.done, out: '' });
    const archive = readFileSync(project.path('glm.tar'));
    const [image, ...others] = listOf(archive);
    expect(others).toEqual([]);
    const identity = await identityOf(project, 'glm@python');
    expect(image?.Config).toBe(`blobs/sha256/${identity.slice(7)}`);
    expect(image?.RepoTags.length).toBeGreaterThan(0);
    for (const tag of image?.RepoTags ?? []) {
      expect(project.engine.names.has(tag)).toBe(true);
      expect(err).toContain(`  as ${tag}\n`);
    }
    expect(err).toContain('Exported 1 image to glm.tar: ');
    expect(readdirSync(project.dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('takes publications for their images, and all images when none is named', async () => {
    using project = rig(FLEET);
    await built(project);
    await copyToLayout(project);
    await project.rebake('export publication/engine/python/base --output base.tar');
    await project.rebake('export base/python --output same.tar');
    expect(readFileSync(project.path('base.tar'))).toEqual(readFileSync(project.path('same.tar')));
    const { bytes, out } = await project.rebake('export --output -');
    expect(out).toBe('');
    expect(listOf(bytes)).toHaveLength(new Set(project.engine.built).size);
    expect((await project.rebake('export --output - --format oci')).bytes.includes('manifest.json')).toBe(false);
  });

  it('has the builder bring what is in its layout in part, for as long as it takes', async () => {
    using project = rig(FLEET);
    await built(project);
    const layout = await copyToLayout(project);
    const { builder, names } = project.engine;
    const here = await layout.names();
    const base = await identityOf(project, 'base/python');
    const before = { ...builder };
    Object.assign(builder, {
      async tag(...args: Parameters<typeof before.tag>) {
        const at = await before.tag(...args);
        const known = [...here.keys()].find((name) => names.get(name) === args[0].identity);
        await layout.name(args[1], here.get(known ?? '')!);
        return at;
      },
      async remove(...args: Parameters<typeof before.remove>) {
        await before.remove(...args);
        if ('name' in args[0]) await layout.unname(args[0].name);
      },
    });
    for (const name of here.keys()) if (names.get(name) === base) await layout.unname(name);
    const left = [...(await layout.names()).keys()];
    expect(left.length).toBeLessThan(here.size);
    const { code } = await project.rebake('export base/python --output base.tar');
    expect(code).toBe(EXIT.done);
    expect(listOf(readFileSync(project.path('base.tar')))).toHaveLength(1);
    expect([...(await layout.names()).keys()]).toEqual(left);
  });

  it('says that an image is an older one, and exports it all the same', async () => {
    using project = rig(FLEET);
    await built(project);
    await copyToLayout(project);
    project.edit('rebake.yaml', 'python: ["3.11"]', 'python: ["3.11"], systemPackages: [zip]');
    const ran = await project.rebake('export base/python --output base.tar');
    expect(ran.code).toBe(EXIT.done);
    expect(toldToPeople(ran).map(({ brief }) => brief)).toEqual(['OUT_OF_DATE']);
    expect(existsSync(project.path('base.tar'))).toBe(true);
  });

  it('writes nothing when one of the images is not there', async () => {
    using project = rig(FLEET);
    const fresh = await project.rebake('export base/python --output base.tar');
    expect(fresh.code).toBe(EXIT.failed);
    expect(fresh.err).toContain('`base/python#linux/amd64` was not built yet');
    await built(project);
    const elsewhere = await project.rebake('export base/python --output base.tar');
    expect(elsewhere.err).toContain('which builder `docker` builds, is in no image layout of this project');
    expect((await project.rebake('export nobody --output base.tar')).err).toContain('there is no node `nobody`');
    expect(existsSync(project.path('base.tar'))).toBe(false);
  });

  it('keeps archives off terminals, and folders as they are', async () => {
    using project = rig(FLEET);
    await built(project);
    await copyToLayout(project);
    const drawn = await project.rebake('export --output -', { columns: 80 });
    expect(drawn).toMatchObject({ code: EXIT.failed, out: '' });
    expect(drawn.err).toContain('an archive is nothing for a terminal');
    const folder = await project.rebake('export --output .rebake');
    expect(folder.code).toBe(EXIT.failed);
    expect(toldToPeople(folder).map(({ brief }) => brief)).toEqual(['FILES_REFUSED']);
    expect((await project.rebake('export base/python')).err).toContain(
      "required option '-o, --output <file>' not specified",
    );
  });

  it('warns of layers that Docker 20.10 cannot load', async () => {
    using project = rig(FLEET);
    await built(project);
    await copyToLayout(project, 'zstd');
    const ran = await project.rebake('export base/python --output base.tar');
    expect(ran.code).toBe(EXIT.done);
    expect(toldToPeople(ran)).toMatchObject([
      { brief: 'EXPORT_ZSTD', help: expect.stringContaining('--compression gzip') as string },
    ]);
    expect((await project.rebake('export base/python --output base.tar --format oci')).err).not.toContain(
      'EXPORT_ZSTD',
    );
  });
});
