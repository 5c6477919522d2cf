// Podman as root and as a user, and Buildah: each builds a step on the imported rootfs and pushes to every registry.
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import type { PodmanState, RegistryName } from '../src/index.ts';
import { REGISTRY_NAMES } from '../src/index.ts';
import { describeEngine } from '../src/vitest.ts';

const run = promisify(execFile);
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A build context, readable by whoever builds. */
function context(dockerfile: string): string {
  const made = mkdtempSync(join(tmpdir(), 'rebake-engines-'));
  folders.push(made);
  chmodSync(made, 0o755);
  writeFileSync(join(made, 'Dockerfile'), dockerfile);
  return made;
}

async function command([program, ...prefix]: readonly string[], ...args: readonly string[]): Promise<string> {
  if (program === undefined) throw new Error('no command');
  const { stdout, stderr } = await run(program, [...prefix, ...args]);
  return stdout + stderr;
}

/** GET of the service. */
async function get({ socket }: PodmanState, path: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ socketPath: socket, path: `/v4.0.0/libpod/${path}` }, (response) => resolve(text(response)))
    .on('error', reject)
    .end();
  return JSON.parse(await promise);
}

for (const engine of ['podman', 'podmanRootless', 'buildah'] as const) {
  describeEngine(engine, [engine, 'wheels', ...REGISTRY_NAMES], (state) => {
    const { cli, baseImage } = state[engine];

    test('builds a step on the rootfs that reaches this machine, and pushes it to every registry', async () => {
      const pip = `/venv/bin/pip install --no-compile --index-url ${state.wheels.indexUrl} tiny_a==1.0.0`;
      const steps = `RUN python3 -m venv /venv && ${pip} && echo from ${engine} > /file\n`;
      const dockerfile = `FROM ${baseImage} AS first\n${steps}FROM scratch\nCOPY --from=first /file /\n`;
      const image = `localhost/engines/${engine.toLowerCase()}:1`;
      await command(cli, 'build', '--no-cache', '--tag', image, context(dockerfile));
      const push = async (name: RegistryName): Promise<void> => {
        const registry = state.registries[name];
        const creds = 'username' in registry ? ['--creds', `${registry.username}:${registry.password}`] : [];
        await command(cli, 'push', ...creds, image, `docker://${registry.address}/engines/${engine.toLowerCase()}:1`);
      };
      for (const name of REGISTRY_NAMES) await push(name);
      await command(cli, 'rmi', image);
    });

    test('is refused by a registry that wants credentials', async () => {
      const to = `docker://${state.registries.tls.address}/engines/stranger:1`;
      await expect(command(cli, 'push', baseImage, to)).rejects.toThrow(/unauthorized|authentication required/);
    });
  });
}

for (const engine of ['podman', 'podmanRootless'] as const) {
  describeEngine(`service of ${engine}`, engine, (state) => {
    test('knows the imported rootfs, and runs as who it is said to', async () => {
      const { baseImage } = state[engine];
      const images = await get(state[engine], 'images/json');
      expect(images).toContainEqual(expect.objectContaining({ Names: [baseImage] }));
      const info = await get(state[engine], 'info');
      expect(info).toMatchObject({ host: { security: { rootless: engine === 'podmanRootless' } } });
    });

    test('builds, and pushes with the CA of the registry', async () => {
      const { host, baseImage } = state[engine];
      const { address, username, password } = state.registries.tls;
      const image = `${address}/engines/served-by-${engine.toLowerCase()}:1`;
      const remote = ['podman', '--url', host];
      const dockerfile = `FROM ${baseImage}\nRUN python3 --version\n`;
      expect(await command(remote, 'build', '--no-cache', '--tag', image, context(dockerfile))).toContain(
        'Python 3.11',
      );
      await command(remote, 'push', '--creds', `${username}:${password}`, image);
      await command(remote, 'rmi', image);
    });

    test('runs a container', async () => {
      const { cli, baseImage } = state[engine];
      expect(await command(cli, 'run', '--rm', baseImage, 'python3', '-c', 'print(6 * 7)')).toContain('42');
    });
  });
}
