// Builders beside the clients of their engines: how each side is set up to build the same Dockerfile on the same parent.
import { join } from 'node:path';
import { candidateTag, createRegistryClient, openLayout, type Output } from '@rebake/image';
import { plugin as buildkit } from '@rebake/plugin-buildkit';
import { plugin as docker } from '@rebake/plugin-docker';
import { plugin as podman } from '@rebake/plugin-podman';
import type { Job, Plugin } from '@rebake/sdk';
import type { EnginesState } from '@rebake/tool-engines';
import type { BuildOnce } from './build-once.ts';
import { buildctl, contextOf, dockerBuild, podmanBuild, pushed, type Client } from './clients.ts';

/** A builder, and the client that it is measured beside. */
export interface Contest {
  /** What is built, where the images go. */
  readonly what: string;
  readonly plugin: Plugin;
  readonly builder: Omit<BuildOnce, 'job'>;
  /** What the client is called. */
  readonly client: string;
  /** The most that the builder may take, in parts of the client's time. */
  readonly bar: string;
  /** Sets the client up for the Dockerfile of a job whose base the builder has built. `folder` is there for its files. */
  setUp(job: Job, base: { readonly job: Job; readonly output: Output }, folder: string): Promise<Client>;
}

/** What the contests of one run have in common. */
export interface Arena {
  readonly state: EnginesState;
  readonly mark: string;
  /** Of the builders. */
  readonly dir: string;
  /** Address of a BuildKit daemon. */
  readonly daemon: string;
}

/** The name that clients of engines give to what they build. */
export function peerName({ mark }: Arena): string {
  return `rebake-bench/peer:${mark}`;
}

/** BuildKit, with the images in a repository. */
export function buildkitToRepository(arena: Arena): Contest {
  const { state, mark, dir, daemon } = arena;
  const registry = state.registries.plain.address;
  const repository = `bench-${mark}`;
  return {
    what: 'BuildKit, pushed by digest',
    plugin: buildkit,
    builder: { kind: 'buildkit', options: { address: daemon, repository: `${registry}/${repository}` }, dir },
    client: 'buildctl build',
    bar: '≤ 1.1 ×',
    async setUp(job, base, folder) {
      const client = createRegistryClient({ access: (host) => ({ host }), credentials: async () => null });
      const { signal } = new AbortController();
      const seen = await client.head({ registry, repository, reference: candidateTag(base.job.key) }, { signal });
      await client.close();
      if (seen.seen !== 'yes') throw new Error(`the base is not in ${registry}/${repository}`);
      const name = `${registry}/${repository}`;
      const paths = await contextOf(job, `${name}@${seen.value.manifest}`, folder);
      return buildctl(state, daemon, paths, pushed(name), folder);
    },
  };
}

/** BuildKit, with the images in a layout on disk. */
export function buildkitToLayout({ state, dir, daemon }: Arena): Contest {
  const layout = join(dir, 'layout');
  return {
    what: 'BuildKit, into an OCI layout',
    plugin: buildkit,
    builder: { kind: 'buildkit', options: { address: daemon, layout }, dir },
    client: 'buildctl build',
    bar: '≤ 1.1 ×',
    async setUp(job, { output }, folder) {
      const named = output.at.flatMap((at) => ('engine' in at ? [at.name] : []))[0] ?? '';
      const target = await openLayout(layout).resolve(named);
      if (target === null) throw new Error(`the base is not in ${layout}`);
      // The name that the builder gives it, since it gets into the history of the image.
      const name = `rebake/image:${target.digest.slice('sha256:'.length)}`;
      const flags = [
        '--oci-layout',
        `rebake=${layout}`,
        '--opt',
        `context:${name}=oci-layout://rebake@${target.digest}`,
      ];
      const to = `type=oci,tar=false,dest=${join(folder, 'layout')}`;
      return buildctl(state, daemon, await contextOf(job, name, folder), { output: to, flags }, folder);
    },
  };
}

/** Docker's engine. */
export function inDocker(arena: Arena): Contest {
  const { state, dir } = arena;
  return {
    what: 'Docker',
    plugin: docker,
    builder: { kind: 'docker', options: { host: state.docker.host }, dir },
    client: 'docker build',
    bar: '≤ 1.2 ×',
    async setUp(job, { output }, folder) {
      const [at] = output.at;
      if (at === undefined || 'registry' in at) throw new Error('the base is not in the engine');
      return dockerBuild(state, await contextOf(job, at.name, folder), peerName(arena), folder);
    },
  };
}

/** Podman, over its service, beside the command that works on the same storage without. */
export function inPodman(arena: Arena): Contest {
  const { state, dir } = arena;
  return {
    what: 'Podman',
    plugin: podman,
    builder: { kind: 'podman', options: { host: state.podman.host }, dir },
    client: 'podman build',
    bar: '≤ 1.2 ×',
    async setUp(job, { output }, folder) {
      const parent = output.identity.slice('sha256:'.length);
      return podmanBuild(state, await contextOf(job, parent, folder), peerName(arena), folder);
    },
  };
}
