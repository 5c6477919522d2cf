/** The Podman builder and the services of the tests, as the conformance suite wants them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '@rebake/image';
import type { Rig } from '@rebake/sdk/testing';
import type { EnginesState } from '@rebake/tool-engines';
import { ACCESS, podmanBuilder, rawPodman } from './kit.ts';
import { startPodman } from './own-podman.ts';

/** A rig over one of the two services of the tests. */
export function podmanRig(state: EnginesState, service: 'podman' | 'podmanRootless'): Rig {
  const { plain, auth, tls, token } = state.registries;
  const login = ({ address, username, password }: typeof auth) => ({ address, credentials: { username, password } });
  const { host, socket, env } = state[service];
  return {
    name: service === 'podman' ? 'podman' : 'podman, rootless',
    create: (place) => podmanBuilder({ host }, process.env, place.dir),
    unreachable: (place) => podmanBuilder({ host: 'unix:///nowhere/podman.sock' }, process.env, place.dir),
    rootfs: { path: state.rootfs.path, digest: state.rootfs.digest as Digest },
    platform: 'linux/amd64',
    access: ACCESS,
    registries: {
      plain: { address: plain.address },
      auth: login(auth),
      tls: { ...login(tls), ca: tls.ca },
      token: login(token),
    },
    index: { url: state.wheels.indexUrl, requirement: 'tiny-b==2.0.0', module: 'tiny_b' },
    async ownEngine(folder) {
      const own = await startPodman(join(folder, 'podman'));
      return {
        create: (place) => podmanBuilder({ host: own.host }, process.env, place.dir),
        kill: () => own.kill(),
        start: () => own.start(),
        stop: () => own.stop(),
      };
    },
    leftovers: () => namesIn(socket, env['TMPDIR'] ?? ''),
  };
}

/** Containers, also those that builds work in; contexts, logins and other files of a moment; and names of images, but those of candidates, which are asked for by their keys. */
async function namesIn(socket: string, tmp: string): Promise<string[]> {
  const podman = rawPodman(socket);
  const [containers, names] = await Promise.all([podman.containers(), podman.names()]);
  return [
    ...containers,
    ...readdirSync(tmp),
    ...names.filter((name) => !/^localhost\/rebake\/candidate[:@]/.test(name)),
  ];
}
