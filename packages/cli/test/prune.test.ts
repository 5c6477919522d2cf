// `rebake prune`: what it says, asks and removes: of the cache, by age and size; of the project's layouts, what nobody names any more.
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes, openLayout, type Digest, type Layout } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { toldToPeople } from './declarations.ts';
import { FLEET } from './fleets.ts';
import { copyToLayout } from './layout-copy.ts';
import { rig, type Rig } from './rig.ts';

const DAY = 24 * 3_600_000;

/** Builds the fleet, and has an export fill the cache with a layer of gzip. */
async function filled(): Promise<Rig & { layout: Layout }> {
  const project = rig(FLEET);
  await project.rebake('apply --auto-approve');
  const layout = await copyToLayout(project, 'zstd');
  expect((await project.rebake('export base/python --output base.tar --compression gzip')).code).toBe(EXIT.done);
  return Object.assign(project, { layout });
}

function cachedBlobs(project: Rig): readonly string[] {
  const folder = project.path('.cache/rebake/blobs/sha256');
  return readdirSync(folder).flatMap((prefix) => readdirSync(join(folder, prefix)));
}

/** Makes all blobs of a layout look as if nobody had touched them for so long. */
function age(layout: Layout, ms: number): void {
  const folder = join(layout.dir, 'blobs/sha256');
  const then = new Date(Date.now() - ms);
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), then, then);
}

describe('prune of the cache', () => {
  it('needs no project, and says when there is nothing', async () => {
    using project = rig({});
    const ran = await project.rebake('prune');
    expect(ran).toMatchObject({ code: EXIT.done, err: '', out: 'Nothing to remove.\nThere is no cache.\n' });
    expect(existsSync(project.path('.cache'))).toBe(false);
    expect((await project.rebake('prune --file missing.yaml')).code).toBe(EXIT.failed);
  });

  it('removes what was not used for so long, when somebody says yes', async () => {
    using project = await filled();
    expect((await project.rebake('prune')).out).toMatch(
      /^Nothing to remove\.\nThe cache \$DIR\/\.cache\/rebake holds \d+ B\.\n6 names of images of this project stay\.\n$/,
    );
    project.clock.pass(31 * DAY);
    const dry = await project.rebake('prune --dry-run');
    expect(dry.out).toMatch(
      /^ {2}\S+ +1 +\d+ B {2}not used for so long\n(.*\n)?Would free \d+ B\.\nThe cache .* would then hold 0 B\.\n/,
    );
    expect(cachedBlobs(project)).toHaveLength(1);

    const questions: string[] = [];
    const ask = (answer: string) => async (question: string) => {
      questions.push(question);
      return answer;
    };
    expect(await project.rebake('prune', { ask: ask('y') })).toMatchObject({ code: EXIT.failed, err: '' });
    expect(cachedBlobs(project)).toHaveLength(1);
    const done = await project.rebake('prune', { ask: ask('yes') });
    expect(questions).toHaveLength(2);
    expect(done.out).toMatch(/Freed \d+ B\.\nThe cache .* holds 0 B\.\n/);
    expect(cachedBlobs(project)).toEqual([]);
    expect((await project.rebake('prune --auto-approve')).out).toMatch(/^Nothing to remove\./);
  });

  it('asks nobody where nobody is', async () => {
    using project = await filled();
    const ran = await project.rebake('prune --all');
    expect(ran.code).toBe(EXIT.failed);
    expect(toldToPeople(ran).map(({ brief }) => brief)).toEqual(['CONFIRMATION_NEEDED']);
    expect(cachedBlobs(project)).toHaveLength(1);
  });

  it('removes by size, and everything with --all', async () => {
    using project = await filled();
    expect((await project.rebake('prune --max-size 1GB --auto-approve')).out).toMatch(/^Nothing to remove\./);
    expect((await project.rebake('prune --max-size 10B --auto-approve')).out).toContain(
      'more than is to stay, used least recently',
    );
    expect(cachedBlobs(project)).toEqual([]);
    await project.rebake('export base/python --output base.tar --compression gzip');
    const { out } = await project.rebake('prune --all --auto-approve --json');
    const told = JSON.parse(out) as { status: string; bytes: number; caches: { rows: unknown[] }[] };
    expect(told).toMatchObject({ formatVersion: 1, status: 'pruned', diagnostics: [] });
    expect(told.bytes).toBeGreaterThan(0);
    expect(cachedBlobs(project)).toEqual([]);
  });

  it.each([
    ['prune --older-than soon', 'It is no time such as 12h, 30d or 8w.'],
    ['prune --max-size 20XB', 'It is no size such as 500MB or 20GB.'],
  ])('%s', async (command, words) => {
    using project = rig({});
    expect((await project.rebake(command)).err).toContain(words);
  });

  it('refuses a folder that is no cache', async () => {
    using project = rig({ 'notes/thesis.txt': '' });
    const ran = await project.rebake('prune --all --auto-approve', {
      env: { REBAKE_CACHE_DIR: project.path('notes') },
    });
    expect(ran.code).toBe(EXIT.failed);
    expect(toldToPeople(ran).map(({ brief }) => brief)).toEqual(['CACHE_UNUSABLE']);
    expect(existsSync(project.path('notes/thesis.txt'))).toBe(true);
  });
});

describe('prune of the images of a project', () => {
  it('removes what neither the declaration nor the state names, once it is a day old', async () => {
    using project = await filled();
    const before = (await project.layout.names()).size;
    project.edit('glm.txt', 'glum==3.1.2', 'glum==3.1.3');
    await project.rebake('apply --auto-approve');
    await copyToLayout(project, 'zstd');
    const all = (await project.layout.names()).size;
    expect(all).toBeGreaterThan(before);
    // Of the old image: its name as a candidate. What it was published as leads to the new one.
    expect((await project.rebake('prune --dry-run')).out).not.toContain('images of builder docker');
    age(project.layout, 2 * DAY);
    const { out } = await project.rebake('prune --auto-approve');
    expect(out).toMatch(/ {2}images of builder docker +1 +\S+ kB {2}no longer declared, nor in the state; 3 blobs\n/);
    expect((await project.layout.names()).size).toBe(all - 1);
    // What is there still is all that is needed.
    const fresh = openLayout(project.layout.dir);
    for (const name of (await fresh.names()).keys()) expect(await fresh.image(name)).not.toBeNull();
    expect((await project.rebake('export --output all.tar')).code).toBe(EXIT.done);
  });

  it('keeps what the embedded builder has of an image whose layers are elsewhere', async () => {
    using project = await filled();
    const { layout } = project;
    const [name = ''] = [...(await layout.names()).keys()].filter((one) => one.startsWith('rebake/candidate:'));
    const identity = project.engine.names.get(name)!;
    const put = async (text: string) => {
      const digest = digestOfBytes(text);
      await layout.write({ digest }, [Buffer.from(text)] as unknown as AsyncIterable<Uint8Array>);
      return { digest, size: Buffer.byteLength(text) };
    };
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const artifactOf = async (config: Digest, size: number) => {
      const note = { mediaType: 'application/vnd.dev.rebake.partial.v1+json', ...(await put(`{"of":"${config}"}`)) };
      const layers = [{ mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size }];
      return { mediaType, ...(await put(JSON.stringify({ schemaVersion: 2, mediaType, config: note, layers }))) };
    };
    await layout.name('rebake/partial:needed', await artifactOf(identity, (await layout.has(identity))!));
    const other = await put('{}');
    await layout.name('rebake/partial:other', await artifactOf(other.digest, other.size));
    age(layout, 2 * DAY);
    await project.rebake('prune --auto-approve');
    const names = await layout.names();
    expect([names.has('rebake/partial:needed'), names.has('rebake/partial:other')]).toEqual([true, false]);
  });

  it('waits for no apply, and changes nothing beside one', async () => {
    using project = await filled();
    await project.layout.unname([...(await project.layout.names()).keys()][0] ?? '');
    let beside: { code: number; err: string } | undefined;
    project.edit('glm.txt', 'glum==3.1.2', 'glum==3.1.3');
    project.engine.behaviours.set('glum', async () => {
      const ran = await project.rebake('prune --all --auto-approve');
      beside ??= ran;
    });
    writeFileSync(join(project.layout.dir, 'blobs/sha256', '0'.repeat(64)), 'nobody names it');
    await project.rebake('apply --auto-approve');
    expect(beside).toMatchObject({ code: EXIT.locked });
    expect(existsSync(join(project.layout.dir, 'blobs/sha256', '0'.repeat(64)))).toBe(true);
  });

  it('leaves images alone while the declaration has errors, and says so', async () => {
    using project = await filled();
    age(project.layout, 2 * DAY);
    const before = (await project.layout.names()).size;
    project.write('rebake.yaml', 'version: 1\nnonsense: true\n');
    const ran = await project.rebake('prune --all --auto-approve');
    expect(ran.code).toBe(EXIT.done);
    expect(toldToPeople(ran).map(({ brief }) => brief)).toEqual(['PRUNE_LAYOUTS_LEFT']);
    expect((await project.layout.names()).size).toBe(before);
    expect(cachedBlobs(project)).toEqual([]);
  });
});
