/** Between the layout and real registries: what is below an image stays where it is until somebody reads it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BuildFailure,
  candidateTag,
  createRegistryClient,
  digestOfBytes,
  openLayout,
  type Credentials,
  type Digest,
  type Output,
  type Step,
} from '@rebake/image';
import type { Builder, Built } from '@rebake/sdk';
import { candidateName } from '@rebake/sdk/building';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, beforeEach, afterEach, expect, it } from 'vitest';
import { context, jobOf, ociBuilder, temporaryFolder } from './kit.ts';
import { recordRegistry, type RecordingRegistry } from './recording-registry.ts';
import { documentsOf } from './files.ts';
import { rootfsOf, tarOf } from './tar.ts';

describeEngine('an image on one that Docker pushed', ['docker', 'plain'], (state) => {
  const folder = temporaryFolder();
  const docker = (...args: readonly string[]) =>
    execFileSync(state.docker.cli, [...args], { env: { ...process.env, DOCKER_HOST: state.docker.host } });

  it('has documents of OCI alone, and the layers below as they are', async () => {
    const name = `${state.registries.plain.address}/oci-docker/${process.pid}-${Date.now()}:1`;
    const tar = join(folder, 'below.tar');
    writeFileSync(tar, tarOf({ 'opt/': '', 'opt/below.txt': name }));
    const builder = await ociBuilder({ cache: join(folder, 'cache'), compression: 'zstd' }, folder);
    try {
      docker('import', '--change', 'LABEL of=docker', '--change', 'ENV BELOW=yes', tar, name);
      docker('push', '--quiet', name);
      const [place = ''] =
        docker('inspect', '--format', '{{json .RepoDigests}}', name)
          .toString()
          .match(/sha256:[0-9a-f]{64}/) ?? [];
      const identity = docker('inspect', '--format', '{{.Id}}', name).toString().trim() as Digest;
      const [registry = '', ...rest] = name.replace(/:1$/, '').split('/');
      const below = { identity, at: [{ registry, repository: rest.join('/'), manifest: place as Digest }] };
      writeFileSync(join(folder, 'a.txt'), 'a');
      const files = { root: folder, files: [{ path: 'a.txt', digest: digestOfBytes('a'), exec: false }] };
      const step = { step: 'copy', files, to: '/opt', owner: '0:0' } as const;
      const image = await builder.build(jobOf(below, [step]), context());
      const { config, manifest } = await documentsOf(join(folder, 'layout'), image);
      expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual([
        'application/vnd.oci.image.layer.v1.tar+gzip',
        'application/vnd.oci.image.layer.v1.tar+zstd',
      ]);
      expect(config.config.Labels).toEqual({ of: 'docker' });
      expect(config.config.Env).toContain('BELOW=yes');
      expect(config.history.filter((entry) => entry.empty_layer !== true)).toHaveLength(2);
    } finally {
      docker('rmi', '--force', name);
      await builder.close();
    }
  });
});

describeEngine('an image on one of a registry', ['plain', 'auth'], (state) => {
  const folder = temporaryFolder();
  const stamp = `${process.pid}-${Date.now()}`;
  const { auth, plain } = state.registries;
  const logins = new Map<string, Credentials>([[auth.address, auth]]);
  const ctx = () => context({ logins });
  let registry: RecordingRegistry;
  /** The image below, in the registry alone. */
  let below: Output;
  let layer: Digest;
  let builders = 0;
  let builder: Builder;
  let layout: string;

  beforeAll(async () => {
    registry = await recordRegistry(plain.address);
    const maker = await ociBuilder({ cache: join(folder, 'maker-cache') }, join(folder, 'maker'));
    const ground = rootfsOf(folder, { 'opt/': '', 'etc/': '', 'opt/unique.txt': stamp });
    const job = jobOf(null, [ground], { env: { BELOW: 'yes' } });
    const built = await maker.build(job, ctx());
    const to = { registry: registry.address, repository: `oci-below/${stamp}`, key: job.key };
    const manifest = await maker.push(built, to, ctx());
    layer = (await layersOf(join(folder, 'maker', 'layout'), built))[0]!;
    below = { identity: built.identity, at: [{ registry: to.registry, repository: to.repository, manifest }] };
    await maker.close();
  });
  beforeEach(async () => {
    const dir = join(folder, `builder-${(builders += 1)}`);
    layout = join(dir, 'layout');
    builder = await ociBuilder({ cache: join(dir, 'cache') }, dir);
    registry.requests.length = 0;
    registry.refuse = false;
  });
  afterEach(async () => builder.close());
  afterAll(async () => registry[Symbol.asyncDispose]());

  const fetches = () => registry.requests.filter((line) => line === `GET ${pathOf(below)}/blobs/${layer}`);
  const onlyConfig = async (): Promise<Built> => builder.build(jobOf(below, [], { env: { ON_TOP: 'yes' } }), ctx());
  const target = (address: string) => ({
    registry: address,
    repository: `oci-on-top/${stamp}-${builders}`,
    key: digestOfBytes(stamp),
  });

  it('fetches no layer that no step reads, and is found by its key', async () => {
    const image = await onlyConfig();
    expect(fetches()).toEqual([]);
    const seen = await builder.inspect(image.at[0]!, ctx());
    expect(seen).toMatchObject({ seen: 'yes', value: { identity: image.identity } });
  });

  it('is mounted from below when it is pushed to the same registry', async () => {
    const image = await onlyConfig();
    const to = target(registry.address);
    const own = ctx();
    const manifest = await builder.push(image, to, own);
    expect(fetches()).toEqual([]);
    expect(own.seen.find((one) => one.type === 'sent')).toMatchObject({ uploaded: expect.any(Number) as number });
    await isWhole(to, manifest, image);
  });

  it('is carried over when it is pushed to another registry', async () => {
    const image = await onlyConfig();
    const to = target(auth.address);
    await isWhole(to, await builder.push(image, to, ctx()), image);
    expect(fetches()).toHaveLength(1);
  });

  it('is fetched once when steps read it, and is whole here from then on', async () => {
    const image = await builder.build(jobOf(below, copies()), ctx());
    await builder.build(jobOf(image, copies()), ctx());
    expect(fetches()).toHaveLength(1);
    expect([...(await openLayout(layout).names()).keys()].every((name) => name.startsWith('rebake/candidate:'))).toBe(
      true,
    );
  });

  it('is whole when it gets a name for others', async () => {
    const image = await onlyConfig();
    const at = await builder.tag(image, 'example/published:1', ctx());
    expect(fetches()).toHaveLength(1);
    expect(await openLayout(layout).image('example/published:1')).toMatchObject({ identity: image.identity });
    expect(await builder.inspect(at, ctx())).toMatchObject({ seen: 'yes', value: { identity: image.identity } });
  });

  it('leaves a layout whose every name other tools can follow, and nothing in it when it is removed', async () => {
    const image = await onlyConfig();
    const store = openLayout(layout);
    for (const { digest } of (await store.names()).values()) expect(await store.has(digest)).not.toBeNull();
    await store.sweep({ olderThanMs: 0 });
    expect(await builder.inspect(image.at[0]!, ctx())).toMatchObject({ seen: 'yes' });
    await builder.remove(image.at[0]!, ctx());
    expect(await builder.inspect(image.at[0]!, ctx())).toEqual({ seen: 'no' });
    await store.sweep({ olderThanMs: 0 });
    expect(readdirSync(join(layout, 'blobs', 'sha256'))).toEqual([]);
  });

  it('is what another is built on, which fetches nothing either', async () => {
    const image = await onlyConfig();
    const child = await builder.build(jobOf(image, [], { env: { THIRD: 'yes' } }), ctx());
    const to = target(registry.address);
    await isWhole(to, await builder.push(child, to, ctx()), child);
    expect(fetches()).toEqual([]);
  });

  it('is fetched from a registry as far as somebody needs it', async () => {
    const key = digestOfBytes(`fetch ${stamp}`);
    expect(await builder.fetch(below, key, ctx())).toMatchObject({ name: candidateName(key) });
    expect(fetches()).toEqual([]);
    const seen = await builder.inspect({ key }, ctx());
    expect(seen).toMatchObject({ seen: 'yes', value: { identity: below.identity } });
  });

  it('has layers mounted that the image below has in a repository, in a run that never sent those', async () => {
    const dir = join(folder, `mounts-${builders}`);
    const first = await ociBuilder({ cache: join(dir, 'cache') }, dir);
    const job = jobOf(null, [rootfsOf(folder, { 'opt/': '', 'opt/own.txt': `${stamp} mounts` })]);
    const base = await first.build(job, ctx());
    const { registry: host, repository } = target(plain.address);
    const manifest = await first.push(base, { registry: host, repository: `${repository}-base`, key: job.key }, ctx());
    await first.close();
    const second = await ociBuilder({ cache: join(dir, 'cache') }, dir);
    try {
      const at = [...base.at, { registry: host, repository: `${repository}-base`, manifest }];
      const image = await second.build(jobOf({ identity: base.identity, at }, copies()), ctx());
      const own = ctx();
      await second.push(image, { registry: host, repository: `${repository}-env`, key: job.key }, own);
      const sent = own.seen.find((one) => one.type === 'sent');
      expect(sent?.type === 'sent' && sent.mounted > 0).toBe(true);
    } finally {
      await second.close();
    }
  });

  it('says so when the layers below have gone from the registry', async () => {
    const image = await onlyConfig();
    registry.refuse = true;
    await expect(builder.push(image, target(auth.address), ctx())).rejects.toBeInstanceOf(BuildFailure);
  });

  it('has its layers sent ahead where it will be published, and is built where that is nowhere', async () => {
    const to = target(registry.address);
    const { registry: host, repository } = to;
    const image = await builder.build(
      jobOf(below, copies(), {}, { publishTo: [{ registry: host, repository }] }),
      ctx(),
    );
    const own = ctx();
    await isWhole(to, await builder.push(image, to, own), image);
    const sent = registry.requests.filter((line) => line.startsWith('PUT') && line.includes(repository));
    const [ownLayer] = (await layersOf(layout, image)).slice(-1);
    expect(sent.filter((line) => decodeURIComponent(line).includes(ownLayer!))).toHaveLength(1);
    const dead = { publishTo: [{ registry: '127.0.0.1:1', repository }] };
    expect((await builder.build(jobOf(below, copies(), {}, dead), ctx())).at).toHaveLength(1);
  });

  it('leaves nothing when it is aborted while its layers come', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const job = jobOf(below, copies());
    const onProgress = () => abort.abort(reason);
    await expect(builder.build(job, context({ signal: abort.signal, onProgress }))).rejects.toBe(reason);
    expect(await builder.inspect({ key: job.key }, ctx())).toEqual({ seen: 'no' });
    const ingest = join(layout, '.rebake', 'ingest');
    expect(existsSync(ingest) ? readdirSync(ingest) : []).toEqual([]);
  });

  let copied = 0;
  function copies(): readonly Step[] {
    const path = `copied-${(copied += 1)}.txt`;
    const text = `${stamp} ${copied}`;
    writeFileSync(join(folder, path), text);
    const files = { root: folder, files: [{ path, digest: digestOfBytes(text), exec: false }] };
    return [{ step: 'copy', files, to: '/opt', owner: '0:0' }];
  }

  /** All of an image is in a registry, as whoever has never seen it finds it. */
  async function isWhole(to: ReturnType<typeof target>, manifest: Digest, image: Output): Promise<void> {
    const client = createRegistryClient({
      access: (host) => ({ host }),
      credentials: async (host) => logins.get(host) ?? null,
    });
    const { signal } = new AbortController();
    const store = openLayout(join(folder, `check-${builders}-${to.registry.replace(':', '-')}`));
    try {
      const at = { registry: to.registry, repository: to.repository };
      const seen = await client.head({ ...at, reference: candidateTag(to.key) }, { signal });
      expect(seen).toEqual({ seen: 'yes', value: { manifest } });
      await client.download({ ...at, manifest }, store, { signal });
      expect(await store.image(manifest)).toMatchObject({ identity: image.identity });
    } finally {
      await client.close();
      registry.requests.splice(
        0,
        registry.requests.length,
        ...registry.requests.filter((line) => !line.includes(to.repository) || !line.startsWith('GET')),
      );
    }
  }
});

function pathOf({ at }: Output): string {
  const [place] = at;
  return place !== undefined && 'repository' in place ? `/v2/${place.repository}` : '';
}

async function layersOf(layout: string, { at }: Output): Promise<readonly Digest[]> {
  const [place] = at;
  const image = await openLayout(layout).image(place !== undefined && 'name' in place ? place.name : '');
  return image?.layers.map(({ digest }) => digest) ?? [];
}
