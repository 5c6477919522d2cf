/** The BuildKit builder with its two stores, and the engines of the tests, as the conformance suite wants them. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openLayout } from '@rebake/image';
import type { Digest } from '@rebake/image';
import type { Builder } from '@rebake/sdk';
import { lazyBuilder } from '@rebake/sdk/building';
import type { Rig } from '@rebake/sdk/testing';
import { startBuildkitd } from '@rebake/tool-engines';
import type { EnginesState } from '@rebake/tool-engines';
import type { BuildkitOptions } from '../src/index.ts';
import { ACCESS, buildkitBuilder, repositoryOf } from './kit.ts';

/** Where images are, for whoever asks for a builder. */
type Where = Pick<BuildkitOptions, 'repository' | 'layout'>;

/** A rig whose images are in a layout below `folder`. */
export function layoutRig(state: EnginesState, folder: string): Rig {
  const dir = join(folder, 'layout');
  const leftovers = async (): Promise<string[]> => {
    const ingest = join(dir, '.rebake', 'ingest');
    const names = [...(await openLayout(dir).names()).keys()];
    const candidate = (name: string): boolean => name.startsWith('rebake/candidate:');
    return [...names.filter((name) => !candidate(name)), ...(existsSync(ingest) ? readdirSync(ingest) : [])];
  };
  const where = (engine: string): Where => ({ layout: engine === '' ? dir : join(engine, 'images') });
  return { ...common(state, where), name: 'buildkit with a layout', leftovers };
}

/** A rig whose images are in a repository of the plain registry. */
export function repositoryRig(state: EnginesState): Rig {
  const { url } = state.registries.plain;
  const leftovers = async (): Promise<string[]> => {
    const repository = repositoryOf(state, 'plain', 'conformance').slice(state.registries.plain.address.length + 1);
    const answer = await fetch(`${url}/v2/${repository}/tags/list`);
    const { tags } = (await answer.json()) as { tags?: string[] | null };
    return (tags ?? []).filter((tag) => !tag.startsWith('rebake-'));
  };
  const where = (engine: string): Where => ({
    repository: repositoryOf(state, 'plain', engine === '' ? 'conformance' : 'conformance-own'),
  });
  return { ...common(state, where), name: 'buildkit with a repository', leftovers };
}

function common(state: EnginesState, where: (engine: string) => Where): Omit<Rig, 'name'> {
  const { plain, auth, tls, token } = state.registries;
  const login = ({ address, username, password }: typeof auth) => ({ address, credentials: { username, password } });
  const builder = (options: BuildkitOptions, dir: string): Builder =>
    lazyBuilder(() => buildkitBuilder({ ...options, compression: { type: 'gzip', level: 1 } }, dir));
  return {
    create: ({ dir }) => builder({ address: state.buildkit.address, ...where('') }, dir),
    unreachable: ({ dir }) => builder({ address: 'unix:///nowhere/buildkitd.sock', ...where('') }, dir),
    rootfs: { path: state.rootfs.path, digest: state.rootfs.digest as Digest },
    platform: 'linux/amd64',
    access: ACCESS,
    registries: {
      plain: { address: plain.address },
      auth: login(auth),
      tls: { ...login(tls), ca: tls.ca },
      token: login(token),
    },
    imagesApart: true,
    index: { url: state.wheels.indexUrl, requirement: 'tiny-b==2.0.0', module: 'tiny_b' },
    async ownEngine(folder) {
      const root = join(folder, 'root');
      let daemon = await startBuildkitd({ root });
      const { address } = daemon;
      return {
        create: ({ dir }) => builder({ address, ...where(folder) }, dir),
        kill: () => daemon.kill(),
        async start() {
          daemon = await startBuildkitd({ root });
        },
        stop: () => daemon.stop(),
      };
    },
  };
}
