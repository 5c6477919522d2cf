/** The Docker builder and the engines of the tests, as the conformance suite wants them. */
import { join } from 'node:path';
import type { Digest } from '@rebake/image';
import type { Rig } from '@rebake/sdk/testing';
import type { EnginesState } from '@rebake/tool-engines';
import { ACCESS, dockerBuilder, rawEngine } from './kit.ts';
import { startEngine } from './own-engine.ts';

/** A rig over the engine of the tests. */
export function dockerRig(state: EnginesState): Rig {
  const { plain, auth, tls, token } = state.registries;
  const login = ({ address, username, password }: typeof auth) => ({ address, credentials: { username, password } });
  return {
    name: 'docker',
    create: () => dockerBuilder({ host: state.docker.host }),
    unreachable: () => dockerBuilder({ host: 'unix:///nowhere/docker.sock' }),
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
      const engine = await startEngine(join(folder, 'engine'));
      return {
        create: () => dockerBuilder({ host: engine.host }),
        kill: async () => engine.kill(),
        start: () => engine.start(),
        stop: () => engine.stop(),
      };
    },
    leftovers: () => namesIn(state),
  };
}

/** Containers and names of images. Those of candidates are asked for by their keys. */
async function namesIn(state: EnginesState): Promise<string[]> {
  const docker = rawEngine(state);
  const [containers, images] = await Promise.all([docker.listContainers({ all: true }), docker.listImages()]);
  const names = images.flatMap(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])]);
  return [...containers.map(({ Id }) => Id), ...names.filter((name) => !name.startsWith('rebake/candidate:'))];
}
