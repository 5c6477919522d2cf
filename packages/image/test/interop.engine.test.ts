// Images of a layout among foreign tools: both generations of the distribution registry, Docker, Podman, skopeo and crane all see one image,
// with one manifest and one config, whichever way it went; and lines that break cost no more than what was lost on them.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RegistryName } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createCredentialStore,
  createRegistryClient,
  digestOfBytes,
  openLayout,
  type Digest,
  type RegistryClient,
} from '../src/index.ts';
import { flakyProxy } from './flaky-proxy.ts';
import { temporaryLayout } from './layout-tools.ts';
import { realImage, type RealImage } from './support/real-image.ts';

const NAMES = ['plain', 'auth', 'tls', 'token', 'plain3', 'tls3', 'token3'] as const satisfies readonly RegistryName[];
const signal = AbortSignal.timeout(280_000);
const chunkBytes = 256 << 10;
const run = promisify(execFile);

describeEngine('images of a layout', [...NAMES, 'docker', 'podman', 'crane', 'rootfs'], (state) => {
  const { registries, docker, podman, crane: craneState, rootfs } = state;
  const repository = `rebake-interop/${randomUUID()}`;
  const clients: RegistryClient[] = [];
  const dir = mkdtempSync(join(tmpdir(), 'rebake-interop-'));
  const here = temporaryLayout();
  let image: RealImage;

  function client(): RegistryClient {
    const isTls = new Set([registries.tls.address, registries.tls3.address]);
    const made = createRegistryClient({
      access: (host) => ({ host, ...(isTls.has(host) ? { ca: registries.tls.ca } : {}) }),
      credentials: createCredentialStore({ configDir: docker.configDir, env: {} }),
      env: {},
    });
    clients.push(made);
    return made;
  }
  const registry = client();

  // Without a proxy, and with the logins and the authority of the registries for those that read them from the environment.
  const env = { ...process.env, DOCKER_CONFIG: docker.configDir, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' };
  const authfile = join(docker.configDir, 'config.json');
  const tool = async (command: string, args: readonly string[], more: Record<string, string> = {}): Promise<string> =>
    (await run(command, args, { env: { ...env, ...more }, maxBuffer: 1 << 26 })).stdout;
  const crane = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await run(craneState.path, args, { env: { ...env, SSL_CERT_FILE: registries.tls.ca } });
    return args[0] === 'validate' ? stdout + stderr : stdout;
  };
  const skopeo = async (...args: string[]): Promise<string> =>
    tool('skopeo', ['--insecure-policy', ...args, '--authfile', authfile]);
  const dockerCli = async (...args: string[]): Promise<string> =>
    (await tool(docker.cli, args, { DOCKER_HOST: docker.host })).trim();
  const podmanCli = async (...args: string[]): Promise<string> =>
    (await tool(podman.cli[0] ?? '', [...podman.cli.slice(1), ...args])).trim();

  beforeAll(async () => {
    image = await realImage(here.layout, rootfs, { ballast: [700_000, 300_000] });
  });
  afterAll(async () => {
    for (const made of clients) await made.close();
    here[Symbol.dispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  const nameAt = (at: RegistryName, more = ''): string => `${registries[at].address}/${repository}${more}:x`;
  /** As crane sees them, or skopeo in the registry to whose token server crane gives no login. */
  const digestsAt = async (at: RegistryName, more = ''): Promise<{ manifest: string; config: Digest }> => {
    const name = nameAt(at, more);
    if (at !== 'token')
      return { manifest: (await crane('digest', name)).trim(), config: digestOfBytes(await crane('config', name)) };
    const raw = async (...args: string[]): Promise<Digest> =>
      digestOfBytes(await skopeo('inspect', '--tls-verify=false', '--raw', ...args, `docker://${name}`));
    return { manifest: await raw(), config: await raw('--config') };
  };
  const same = (): { manifest: string; config: Digest } => ({ manifest: image.manifest, config: image.identity });

  describe.each(NAMES)('in the registry %s', (name) => {
    const to = { registry: registries[name].address, repository, tag: 'x' };

    it('are one image to crane and skopeo, with their annotations', async () => {
      const sent = await registry.upload(here.layout, image.manifest, to, { signal, chunkBytes });
      expect(sent).toEqual({ digest: image.manifest, bytes: { uploaded: image.total, mounted: 0, skipped: 0 } });
      expect(await digestsAt(name)).toEqual(same());
      const raw = await skopeo('inspect', '--tls-verify=false', '--raw', `docker://${nameAt(name)}`);
      expect(JSON.parse(raw)).toMatchObject({
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        annotations: { 'com.example.rebake/key': 'a b/c' },
      });
      if (name !== 'token') expect(await crane('validate', '--remote', nameAt(name))).toContain('PASS');
    });

    it('are run by Docker and Podman', async () => {
      const it = nameAt(name);
      try {
        await dockerCli('pull', '--quiet', it);
        expect(await dockerCli('image', 'inspect', '--format', '{{.Id}}', it)).toBe(image.identity);
        expect(await dockerCli('run', '--rm', '--network', 'none', it)).toBe(image.greeting);
        await podmanCli('pull', '--quiet', '--tls-verify=false', '--authfile', authfile, it);
        expect(`sha256:${await podmanCli('image', 'inspect', '--format', '{{.Id}}', it)}`).toBe(image.identity);
        expect(await podmanCli('run', '--rm', '--network', 'none', it)).toBe(image.greeting);
      } finally {
        await dockerCli('image', 'rm', '--force', it).catch(() => undefined);
        await podmanCli('image', 'rm', '--force', it).catch(() => undefined);
      }
    });

    it('come back to a layout as they were', async () => {
      using there = temporaryLayout();
      await registry.download({ ...to, manifest: image.manifest }, there.layout, { signal });
      expect(await there.layout.image(image.manifest)).toEqual(await here.layout.image(image.manifest));
    });
  });

  describe.each([
    ['plain', 'plain3'],
    ['plain3', 'plain'],
    ['tls', 'token3'],
    ['tls3', 'token'],
  ] as const)('from %s to %s', (from, to) => {
    it('are copied by crane, by skopeo and by rebake with the same digests', async () => {
      const source = nameAt(from);
      const more = (by: string): string => `/${by}-from-${from}`;
      if (to !== 'token') await crane('copy', source, nameAt(to, more('crane')));
      await skopeo(
        'copy',
        '--preserve-digests',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        `docker://${source}`,
        `docker://${nameAt(to, more('skopeo'))}`,
      );
      const target = { registry: registries[to].address, repository: repository + more('rebake'), tag: 'x' };
      const at = { registry: registries[from].address, repository, manifest: image.manifest };
      expect((await client().copy(at, target, { signal })).digest).toBe(image.manifest);
      const all = [...(to === 'token' ? [] : ['crane']), 'skopeo', 'rebake'];
      for (const by of all) expect(await digestsAt(to, more(by))).toEqual(same());
    });
  });

  it('go with skopeo from the layout to each form and back', async () => {
    const inLayout = `oci:${here.dir}:${image.name}`;
    const backTo = (folder: string): string => `oci:${join(dir, folder)}:back`;
    const manifestOf = async (folder: string): Promise<string | undefined> =>
      (await openLayout(join(dir, folder)).resolve('back'))?.digest;

    await skopeo('copy', inLayout, `dir:${join(dir, 'dir')}`);
    await skopeo('copy', `dir:${join(dir, 'dir')}`, backTo('from-dir'));
    expect(await manifestOf('from-dir')).toBe(image.manifest);

    const remote = `docker://${nameAt('plain3', '/skopeo')}`;
    await skopeo('copy', '--dest-tls-verify=false', inLayout, remote);
    expect(await digestsAt('plain3', '/skopeo')).toEqual(same());
    await skopeo('copy', '--src-tls-verify=false', remote, backTo('from-registry'));
    expect(await manifestOf('from-registry')).toBe(image.manifest);

    await skopeo('copy', inLayout, `oci-archive:${join(dir, 'oci.tar')}:x`);
    await skopeo('copy', `oci-archive:${join(dir, 'oci.tar')}:x`, backTo('from-archive'));
    expect(await manifestOf('from-archive')).toBe(image.manifest);

    // Docker's archives hold layers without compression, and no manifest: what stays is the config.
    const archive = join(dir, 'docker.tar');
    await skopeo('copy', inLayout, `docker-archive:${archive}:rebake-test/archive:x`);
    expect(await crane('validate', '--tarball', archive)).toContain('PASS');
    const config = await skopeo('inspect', '--config', `docker-archive:${archive}`);
    const { rootfs: held } = JSON.parse(config) as { rootfs: { diff_ids: readonly string[] } };
    expect(held.diff_ids).toEqual((await here.layout.image(image.manifest))!.config.diffIds);
  });

  it('are pushed by crane as the layout holds them, and come back with it into a layout', async () => {
    using alone = temporaryLayout();
    const one = await realImage(alone.layout, rootfs);
    for (const name of ['plain', 'plain3'] as const) {
      await crane('push', alone.dir, nameAt(name, '/crane'));
      expect(await digestsAt(name, '/crane')).toEqual({ manifest: one.manifest, config: one.identity });
      const back = join(dir, `crane-${name}`);
      await crane('pull', '--format=oci', nameAt(name, '/crane'), back);
      expect(await openLayout(back).image(one.manifest)).toEqual(await alone.layout.image(one.manifest));
    }
  });

  it('with layers of zstd go up and come back, and Podman runs them', async () => {
    const fine = await realImage(here.layout, rootfs, { compression: 'zstd' });
    for (const name of ['plain', 'plain3'] as const) {
      const to = { registry: registries[name].address, repository: `${repository}/zstd`, tag: 'x' };
      await registry.upload(here.layout, fine.manifest, to, { signal });
      const at = nameAt(name, '/zstd');
      expect(await digestsAt(name, '/zstd')).toEqual({ manifest: fine.manifest, config: fine.identity });
      try {
        await podmanCli('pull', '--quiet', '--tls-verify=false', at);
        expect(await podmanCli('run', '--rm', '--network', 'none', at)).toBe(fine.greeting);
      } finally {
        await podmanCli('image', 'rm', '--force', at).catch(() => undefined);
      }
    }
  });

  describe.each(['plain', 'plain3'] as const)('over lines to %s that break', (name) => {
    const address = registries[name].address;

    it('are whole, and no blob that was there goes up again', async () => {
      const big = await realImage(here.layout, rootfs, { ballast: [2_000_000, 2_000_000] });
      const to = { repository: `${repository}/broken`, tag: 'x' };
      // First a process that ends with its line: another one goes on after it.
      await using cut = await flakyProxy(address, 'up', [2_500_000]);
      const gaveUp = new AbortController();
      const first = client().upload(
        here.layout,
        big.manifest,
        { ...to, registry: cut.host },
        {
          signal: gaveUp.signal,
          chunkBytes,
          onBytes: () => void (cut.left.length === 0 && gaveUp.abort(new Error('killed'))),
        },
      );
      await expect(first).rejects.toThrow('killed');
      await using whole = await flakyProxy(address, 'up', []);
      const sent = await client().upload(
        here.layout,
        big.manifest,
        { ...to, registry: whole.host },
        { signal, chunkBytes },
      );
      expect(sent.bytes.uploaded + sent.bytes.skipped).toBe(big.total);
      expect(sent.bytes.mounted).toBe(0);
      // What is sent is what is missing, and the requests around it.
      expect(whole.passed).toBeGreaterThanOrEqual(sent.bytes.uploaded);
      expect(whole.passed).toBeLessThan(sent.bytes.uploaded + 100_000);
      expect(await digestsAt(name, to.repository.slice(repository.length))).toEqual({
        manifest: big.manifest,
        config: big.identity,
      });
    });

    it('go on within a blob', async () => {
      const big = await realImage(here.layout, rootfs, { ballast: [4_000_000] });
      const to = { repository: `${repository}/resumed`, tag: 'x' };
      await using cut = await flakyProxy(address, 'up', [3_000_000, 1_000_000]);
      const sent = await client().upload(
        here.layout,
        big.manifest,
        { ...to, registry: cut.host },
        { signal, chunkBytes },
      );
      expect(sent.digest).toBe(big.manifest);
      expect(cut.left).toEqual([]);
      // Distribution v3 goes on where the line broke; 2.8 drops an upload whose piece broke, and takes that blob anew.
      expect(cut.passed).toBeLessThan(big.total + 100_000 + (name === 'plain' ? big.sizes[2]! : 0));
      expect(await digestsAt(name, to.repository.slice(repository.length))).toEqual({
        manifest: big.manifest,
        config: big.identity,
      });
    });
  });
});
