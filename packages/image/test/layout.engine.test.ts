// Layouts and real engines: images go up to each registry and come down again as they were, also over lines that break; what BuildKit and
// Docker have made is understood, and what is uploaded Docker runs.
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RegistryName } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createCredentialStore,
  createRegistryClient,
  openLayout,
  type Layout,
  type RegistryClient,
} from '../src/index.ts';
import { INDEX_TYPE, MANIFEST_TYPE, tinyImage, tinyIndex, type TinyImage } from './fake-registry.ts';
import { flakyProxy } from './flaky-proxy.ts';
import { put, putImage, temporaryLayout, textOf } from './layout-tools.ts';

const NAMES: readonly RegistryName[] = ['plain', 'auth', 'tls', 'token'];
const signal = AbortSignal.timeout(170_000);
const chunkBytes = 1 << 20;
const run = promisify(execFile);

/** Of the size of some pieces, and unlike any other. */
const large = (): TinyImage => tinyImage('amd64', [randomUUID(), randomBytes(2 << 20).toString('base64')]);

async function sameAs(layout: Layout, image: TinyImage): Promise<void> {
  for (const [digest, content] of image.blobs) expect((await textOf(layout.read(digest))) === content).toBe(true);
  expect(await textOf(layout.read(image.manifest))).toBe(image.manifestBytes);
}

describeEngine('layouts and registries', [...NAMES, 'docker'], ({ registries, docker }) => {
  const repository = `rebake-test/${randomUUID()}`;
  const clients: RegistryClient[] = [];

  function client(): RegistryClient {
    const made = createRegistryClient({
      access: (host) => ({ host, ...(host === registries.tls.address ? { ca: registries.tls.ca } : {}) }),
      credentials: createCredentialStore({ configDir: docker.configDir, env: {} }),
      env: {},
    });
    clients.push(made);
    return made;
  }

  afterAll(async () => {
    for (const made of clients) await made.close();
  });

  const registry = client();

  describe.each(NAMES)('with the registry %s', (name) => {
    const at = { registry: registries[name].address, repository };
    const image = large();
    const total = [...image.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);

    it('go up in pieces and come down as they were', async () => {
      using here = temporaryLayout();
      using there = temporaryLayout();
      await putImage(here.layout, image);
      const progress: number[][] = [];
      const onBytes = (...bytes: number[]): void => void progress.push(bytes);
      const to = { ...at, tag: 'x' };
      const sent = await registry.upload(here.layout, image.manifest, to, { signal, chunkBytes, onBytes });
      expect(sent).toEqual({ digest: image.manifest, bytes: { uploaded: total, mounted: 0, skipped: 0 } });
      const again = await registry.upload(here.layout, image.manifest, to, { signal, chunkBytes, onBytes });
      expect(again.bytes).toEqual({ uploaded: 0, mounted: 0, skipped: total });
      expect(progress.at(-1)).toEqual([total, total]);
      expect(await registry.resolve({ ...at, reference: 'x' }, { signal })).toEqual({
        seen: 'yes',
        value: {
          identity: image.identity,
          manifest: image.manifest,
          top: image.manifest,
          mediaType: MANIFEST_TYPE,
        },
      });
      expect(await registry.download({ ...at, manifest: image.manifest }, there.layout, { signal })).toBe(
        image.manifest,
      );
      await sameAs(there.layout, image);
      expect(await there.layout.image(image.manifest)).toEqual(await here.layout.image(image.manifest));
    });

    it('mount what a neighbour has: a store with nothing but the documents is enough', async () => {
      using bare = temporaryLayout();
      await put(bare.layout, image.manifestBytes);
      const to = { ...at, repository: `${repository}/mounted`, tag: 'x' };
      const stranger = client();
      const sent = await stranger.upload(bare.layout, image.manifest, to, { signal, mountFrom: [repository] });
      expect(sent).toEqual({ digest: image.manifest, bytes: { uploaded: 0, mounted: total, skipped: 0 } });
      // The client that put the neighbour there needs nobody to tell it.
      const second = { ...at, repository: `${repository}/mounted-too`, tag: 'x' };
      const known = await registry.upload(bare.layout, image.manifest, second, { signal });
      expect(known.bytes).toEqual({ uploaded: 0, mounted: total, skipped: 0 });
      expect(await registry.resolve({ ...to, reference: 'x' }, { signal })).toMatchObject({
        value: { identity: image.identity },
      });
    });

    it('with an index go up and down with all of its images', async () => {
      using here = temporaryLayout();
      using there = temporaryLayout();
      const images = { amd64: tinyImage('amd64', [randomUUID()]), arm64: tinyImage('arm64', [randomUUID()]) };
      for (const one of Object.values(images)) await putImage(here.layout, one);
      const index = tinyIndex(images);
      await put(here.layout, index.bytes);
      await here.layout.name('index', { mediaType: INDEX_TYPE, digest: index.digest, size: index.bytes.length });
      const digest = (await here.layout.resolve('index'))!.digest;
      await registry.upload(here.layout, digest, { ...at, tag: 'index' }, { signal });
      expect(
        await registry.download({ ...at, manifest: digest }, there.layout, { signal, platform: 'linux/arm64' }),
      ).toBe(digest);
      await sameAs(there.layout, images.arm64);
      expect(await there.layout.has(images.amd64.manifest)).toBeNull();
      await registry.download({ ...at, manifest: digest }, there.layout, { signal });
      await sameAs(there.layout, images.amd64);
    });
  });

  it('go up over a line that breaks', async () => {
    using here = temporaryLayout();
    const image = large();
    await putImage(here.layout, image);
    // This registry gives an upload up whose piece broke: it begins anew, and three tries are as many as there are.
    await using flaky = await flakyProxy(registries.plain.address, 'up', [1_500_000, 300_000]);
    const to = { registry: flaky.host, repository: `${repository}/flaky`, tag: 'up' };
    expect((await registry.upload(here.layout, image.manifest, to, { signal, chunkBytes })).digest).toBe(
      image.manifest,
    );
    expect(flaky.left).toEqual([]);
    using there = temporaryLayout();
    const from = { ...to, registry: registries.plain.address, manifest: image.manifest };
    await registry.download(from, there.layout, { signal });
    await sameAs(there.layout, image);
  });

  it('come down over a line that breaks', async () => {
    using here = temporaryLayout();
    const image = large();
    await putImage(here.layout, image);
    const at = { registry: registries.plain.address, repository: `${repository}/flaky` };
    await registry.upload(here.layout, image.manifest, { ...at, tag: 'down' }, { signal });
    await using flaky = await flakyProxy(at.registry, 'down', [900_000, 400_000, 900_000]);
    using there = temporaryLayout();
    const from = { ...at, registry: flaky.host, manifest: image.manifest };
    expect(await registry.download(from, there.layout, { signal })).toBe(image.manifest);
    expect(flaky.left).toEqual([]);
    await sameAs(there.layout, image);
  });

  it('keep what Docker pushed as it is, and Docker takes back what is uploaded', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rebake-docker-'));
    const env = { ...process.env, DOCKER_HOST: docker.host, DOCKER_CONFIG: docker.configDir, DOCKER_BUILDKIT: '1' };
    const cli = async (...args: string[]): Promise<string> => (await run(docker.cli, args, { env })).stdout.trim();
    const at = { registry: registries.plain.address, repository: `${repository}/docker` };
    const [pushed, uploaded] = [`${at.registry}/${at.repository}:pushed`, `${at.registry}/${at.repository}/again:x`];
    try {
      writeFileSync(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY content /\nENV A=b\n');
      writeFileSync(join(dir, 'content'), randomUUID());
      await cli('build', '--quiet', '--tag', pushed, dir);
      const id = await cli('image', 'inspect', '--format', '{{.Id}}', pushed);
      await cli('push', pushed);
      await cli('image', 'rm', pushed);
      const seen = await registry.head({ ...at, reference: 'pushed' }, { signal });
      if (seen.seen !== 'yes') throw new Error('it was not pushed');
      using made = temporaryLayout();
      const manifest = await registry.download({ ...at, manifest: seen.value.manifest }, made.layout, { signal });
      const image = await made.layout.image(manifest);
      expect(image).toMatchObject({
        identity: id,
        manifest: { digest: manifest, mediaType: 'application/vnd.docker.distribution.manifest.v2+json' },
        config: { env: expect.arrayContaining(['A=b']) as unknown },
      });
      const to = { registry: at.registry, repository: `${at.repository}/again`, tag: 'x' };
      expect((await registry.upload(made.layout, manifest, to, { signal })).digest).toBe(manifest);
      await cli('pull', '--quiet', uploaded);
      expect(await cli('image', 'inspect', '--format', '{{.Id}}', uploaded)).toBe(id);
    } finally {
      await cli('image', 'rm', '--force', pushed, uploaded).catch(() => undefined);
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describeEngine('a layout and BuildKit', ['buildkit', 'plain', 'docker'], ({ buildkit, registries, docker }) => {
  it('reads what BuildKit has written, attestations and all, and Docker runs what is made of it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rebake-buildkit-layout-'));
    const store = join(dir, 'store');
    const at = { registry: registries.plain.address, repository: `rebake-test/${randomUUID()}` };
    const name = `${at.registry}/${at.repository}:x`;
    const env = { ...process.env, DOCKER_HOST: docker.host, DOCKER_CONFIG: docker.configDir };
    const cli = async (...args: string[]): Promise<string> => (await run(docker.cli, args, { env })).stdout.trim();
    const registry = createRegistryClient({ access: (host) => ({ host }), credentials: async () => null, env: {} });
    try {
      writeFileSync(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY content /\nENV A=b\n');
      writeFileSync(join(dir, 'content'), randomUUID());
      const build = ['--addr', buildkit.address, 'build', '--frontend', 'dockerfile.v0', '--progress', 'plain'];
      const locals = [
        '--local',
        `context=${dir}`,
        '--local',
        `dockerfile=${dir}`,
        '--opt',
        'attest:provenance=mode=max',
      ];
      const output = ['--output', `type=oci,tar=false,dest=${store},name=${name}`];
      await run(buildkit.buildctl, [...build, ...locals, ...output]);
      const layout = openLayout(store);
      const [given = ''] = (await layout.names()).keys();
      const image = await layout.image(given, 'linux/amd64');
      expect(image).toMatchObject({ config: { os: 'linux', env: expect.arrayContaining(['A=b']) as unknown } });
      const top = await layout.resolve(given);
      expect(top).toMatchObject({ mediaType: INDEX_TYPE });
      // What BuildKit named is in use, besides what it is named by here.
      expect(await layout.sweep({ olderThanMs: 0 })).toMatchObject({ blobs: 0 });
      await layout.name('rebake/mine', image!.manifest);
      expect([...(await layout.names()).keys()]).toEqual([given, 'rebake/mine']);
      expect((await registry.upload(layout, top!.digest, { ...at, tag: 'all' }, { signal })).digest).toBe(top!.digest);
      await registry.upload(layout, image!.manifest.digest, { ...at, tag: 'x' }, { signal });
      await cli('pull', '--quiet', name);
      expect(await cli('image', 'inspect', '--format', '{{.Id}}', name)).toBe(image!.identity);
      await layout.unname(given);
      expect((await layout.sweep({ olderThanMs: 0 })).blobs).toBeGreaterThan(0);
      expect(await layout.image('rebake/mine')).toEqual(image);
    } finally {
      await cli('image', 'rm', '--force', name).catch(() => undefined);
      await registry.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
