// Archives of images in front of the tools that load them: Docker, Podman, skopeo, crane.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { openLayout } from '@rebake/image';
import { writeTinyRootfs } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { expect, it } from 'vitest';
import { importTar, prepareExport, writeLayer, type ExportFormat } from '../src/index.ts';
import { imageOf } from './support/image.ts';
import { collect, file, sha256, signal, temporaryCache, temporaryFolder } from './support/rig.ts';

const run = promisify(execFile);

describeEngine('an archive of images', ['docker', 'podman', 'crane', 'rootfs'], (state) => {
  const { docker, podman, crane, rootfs } = state;
  const dockerCli = async (...args: string[]): Promise<string> =>
    (await run(docker.cli, args, { env: { ...process.env, DOCKER_HOST: docker.host } })).stdout.trim();
  const podmanCli = async (...args: string[]): Promise<string> =>
    (await run(podman.cli[0] ?? '', [...podman.cli.slice(1), ...args])).stdout.trim();

  /** Images on one ground, each with a greeting, in one archive. */
  async function archiveOf(format: ExportFormat, names: readonly string[] = ['one', 'two']) {
    const dir = temporaryFolder();
    const cache = temporaryCache();
    const layout = openLayout(join(dir, 'layout'));
    writeTinyRootfs({ rootfs }, join(dir, 'rootfs.tar'));
    const digest = sha256(await collect(createReadStream(join(dir, 'rootfs.tar'))));
    const ground = await importTar(cache, join(dir, 'rootfs.tar'), digest, { compression: 'gzip', signal });
    const images = await Promise.all(
      names.map(async (name) => {
        const greeting = `${name} ${randomUUID()}`;
        const own = await writeLayer(cache, [file('greeting', greeting)], { compression: 'zstd', signal });
        const tag = `example.com/rebake-export/${name}:${randomUUID()}`;
        const { identity } = await imageOf(layout, cache, tag, [ground, own], ['cat', '/greeting']);
        return { tag, greeting, identity };
      }),
    );
    const toExport = images.map(({ tag }) => ({ layout, reference: tag, tags: [tag] }));
    const made = await prepareExport(toExport, { format, gzip: cache, signal });
    const path = join(dir, 'images.tar');
    await pipeline(made.bytes(), createWriteStream(path));
    return { images, path, dir };
  }

  it('is loaded and run by Docker', async () => {
    const { images, path } = await archiveOf('docker');
    try {
      await dockerCli('load', '--quiet', '--input', path);
      for (const { tag, identity, greeting } of images) {
        expect(await dockerCli('image', 'inspect', '--format', '{{.Id}}', tag)).toBe(identity);
        expect(await dockerCli('run', '--rm', '--network', 'none', tag)).toBe(greeting);
      }
    } finally {
      for (const { tag } of images) await dockerCli('image', 'rm', '--force', tag).catch(() => undefined);
    }
  });

  it('is loaded and run by Podman', async () => {
    const { images, path } = await archiveOf('docker');
    try {
      await podmanCli('load', '--quiet', '--input', path);
      for (const { tag, identity, greeting } of images) {
        expect(`sha256:${await podmanCli('image', 'inspect', '--format', '{{.Id}}', tag)}`).toBe(identity);
        expect(await podmanCli('run', '--rm', '--network', 'none', tag)).toBe(greeting);
      }
    } finally {
      for (const { tag } of images) await podmanCli('image', 'rm', '--force', tag).catch(() => undefined);
    }
  });

  it('is taken for what `docker save` writes by skopeo, by each name', async () => {
    const { images, path, dir } = await archiveOf('docker');
    for (const { tag, identity } of images) {
      const { stdout } = await run('skopeo', ['inspect', '--raw', '--config', `docker-archive:${path}:${tag}`]);
      expect(sha256(stdout)).toBe(identity);
      const folder = join(dir, identity.slice('sha256:'.length));
      await run('skopeo', ['--insecure-policy', 'copy', `docker-archive:${path}:${tag}`, `dir:${folder}`]);
    }
  });

  it('with one image is valid to crane', async () => {
    const { path } = await archiveOf('docker', ['one']);
    const { stdout, stderr } = await run(crane.path, ['validate', '--tarball', path]);
    expect(stdout + stderr).toContain('PASS');
  });

  it.each(['docker', 'oci'] as const)(
    'of the format %s is read by skopeo as an OCI archive, by each name',
    async (format) => {
      const { images, path, dir } = await archiveOf(format);
      for (const { tag, identity } of images) {
        const { stdout } = await run('skopeo', ['inspect', '--raw', '--config', `oci-archive:${path}:${tag}`]);
        expect(sha256(stdout)).toBe(identity);
        await run('skopeo', [
          '--insecure-policy',
          'copy',
          `oci-archive:${path}:${tag}`,
          `oci:${join(dir, 'copy')}:${tag}`,
        ]);
        expect((await openLayout(join(dir, 'copy')).image(tag))?.identity).toBe(identity);
      }
    },
  );
});
