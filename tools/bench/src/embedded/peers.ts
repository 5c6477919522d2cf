// The usual ways to make the image of an environment and push it: a Dockerfile, an installer with its cache, and the client of an engine.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EnginesState } from '@rebake/tool-engines';
import type { Command } from '../processes.ts';
import { ended } from './commands.ts';

/** What is to be made. */
export interface Wish {
  /** The image below, as the engine reaches it. */
  readonly from: string;
  /** Repository and tag to push to. */
  readonly to: string;
  readonly prefix: string;
  readonly requirements: readonly string[];
  readonly bytecode: boolean;
  /** Different for each build, so that no layer comes out of a cache. */
  readonly round: string;
}

export interface Peer {
  /** As people know it. */
  readonly what: string;
  /** Builds and pushes. Milliseconds. */
  make(wish: Wish): Promise<number>;
}

const CA = '/etc/ssl/certs/ca-certificates.crt';

/** `uv`: path of the program. `folder`: for their contexts. `daemon`: address of a BuildKit daemon that nobody else uses. */
export function peersOf(
  state: EnginesState,
  options: { readonly uv: string; readonly folder: string; readonly daemon: string },
): { readonly buildkitUv: Peer; readonly dockerUv: Peer; readonly dockerPip: Peer } {
  const { uv, folder, daemon } = options;
  return {
    buildkitUv: {
      what: 'BuildKit, uv, zstd',
      make: async (wish) => {
        const context = contextOf(wish, 'uv', uv, join(folder, 'buildkit-uv'));
        return (await ended(buildctl(state, daemon, context, wish))).ms;
      },
    },
    dockerUv: {
      what: 'Docker, uv, push',
      make: async (wish) => byDocker(state, contextOf(wish, 'uv', uv, join(folder, 'docker-uv')), wish),
    },
    dockerPip: {
      what: 'Docker, pip, push',
      make: async (wish) => byDocker(state, contextOf(wish, 'pip', uv, join(folder, 'docker-pip')), wish),
    },
  };
}

/** The cache of the installer outlives the builds; what it installs is named as a requirement, pip itself included, as in our environments. */
function contextOf(wish: Wish, installer: 'uv' | 'pip', uv: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'requirements.txt'), `${[...wish.requirements, 'pip'].join('\n')}\n`);
  const { prefix, bytecode } = wish;
  if (installer === 'uv') copyFileSync(uv, join(folder, 'uv'));
  const cache = installer === 'uv' ? '/root/.cache/uv' : '/root/.cache/pip';
  const python = '/usr/bin/python3.11';
  const install =
    installer === 'uv'
      ? `/mnt/uv venv --quiet --python ${python} ${prefix} && ` +
        `/mnt/uv pip install --quiet --python ${prefix}/bin/python ${bytecode ? '--compile-bytecode ' : ''}-r /mnt/requirements.txt`
      : `${python} -m venv ${prefix} && ` +
        `${prefix}/bin/pip install --quiet ${bytecode ? '' : '--no-compile '}--upgrade -r /mnt/requirements.txt`;
  const mounts = [
    `--mount=type=cache,target=${cache}`,
    '--mount=type=bind,target=/mnt',
    `--mount=type=secret,id=ca,target=${CA}`,
  ];
  const lines = [
    `FROM ${wish.from}`,
    'USER root',
    'ARG ROUND',
    `RUN ${mounts.join(' ')} : $ROUND && export SSL_CERT_FILE=${CA} UV_LINK_MODE=copy HOME=/root && ${install}`,
  ];
  writeFileSync(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`);
  return folder;
}

function buildctl({ buildkit, ca }: EnginesState, address: string, context: string, { to, round }: Wish): Command {
  const options = ['platform=linux/amd64', 'force-network-mode=host', `build-arg:ROUND=${round}`];
  return {
    argv: [
      buildkit.buildctl,
      '--addr',
      address,
      'build',
      '--frontend',
      'dockerfile.v0',
      ...options.flatMap((one) => ['--opt', one]),
      '--allow',
      'network.host',
      '--secret',
      `id=ca,src=${ca.path}`,
      '--local',
      `context=${context}`,
      '--local',
      `dockerfile=${context}`,
      '--output',
      `type=image,name=${to},push=true,oci-mediatypes=true,compression=zstd`,
    ],
  };
}

async function byDocker({ docker, ca }: EnginesState, context: string, { to, round }: Wish): Promise<number> {
  const env = { DOCKER_HOST: docker.host, DOCKER_CONFIG: docker.configDir, DOCKER_BUILDKIT: '1' };
  const idFile = join(context, '..', 'id');
  const flags = ['--network', 'host', '--secret', `id=ca,src=${ca.path}`, '--build-arg', `ROUND=${round}`];
  const build = await ended({
    argv: [docker.cli, 'build', '--quiet', ...flags, '--iidfile', idFile, '--tag', to, context],
    env,
  });
  const push = await ended({ argv: [docker.cli, 'push', '--quiet', to], env });
  await ended({ argv: [docker.cli, 'image', 'rm', '--force', readFileSync(idFile, 'utf8')], env });
  return build.ms + push.ms;
}
