// Engines' own clients: the command that builds a job's Dockerfile, and the identity of what it built.
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderDockerfile } from '@rebake/image';
import type { Job } from '@rebake/sdk';
import { writeContext, type ContextFolder } from '@rebake/sdk/building';
import type { EnginesState } from '@rebake/tool-engines';
import { run, type Command } from './processes.ts';

/** What was built, and in how many milliseconds. */
export interface Made {
  readonly ms: number;
  readonly identity: string;
}

/** A client, set up for one Dockerfile. */
export interface Client {
  /** Builds once, in a process of its own, all of which is timed. */
  build(): Made;
}

/** As the BuildKit builder sets it: another one would come to other bytes, and the identities tell. */
const SOURCE_DATE_EPOCH = '1793491200';

/** Writes the Dockerfile and the context of a job, as it stands on `parent`. */
export async function contextOf(job: Job, parent: string | null, folder: string): Promise<ContextFolder> {
  mkdirSync(folder, { recursive: true });
  return writeContext(renderDockerfile(job.spec, { parent, froms: {} }), folder);
}

/** Where `buildctl` hands the image over, in its words, and what else it needs for that. */
export interface BuildctlOutput {
  /** Such as `type=image,name=…,push=true`. */
  readonly output: string;
  readonly flags: readonly string[];
}

/** Pushed by digest to `name`, a repository with its host. */
export function pushed(name: string): BuildctlOutput {
  return { output: `type=image,name=${name},push=true,push-by-digest=true,name-canonical=true`, flags: [] };
}

/** `buildctl build`, on a daemon. `folder` is for its files. */
export function buildctl(
  { buildkit }: EnginesState,
  address: string,
  { context, dockerfile }: ContextFolder,
  { output, flags }: BuildctlOutput,
  folder: string,
): Client {
  const metadata = join(folder, 'metadata.json');
  const common = `oci-mediatypes=true,compression=gzip,source-date-epoch=${SOURCE_DATE_EPOCH},rewrite-timestamp=true`;
  const files = ['--local', `context=${context}`, '--local', `dockerfile=${dirname(dockerfile)}`];
  const attributes = [
    'platform=linux/amd64',
    'force-network-mode=host',
    `build-arg:SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}`,
  ];
  const how = [
    '--frontend',
    'dockerfile.v0',
    ...attributes.flatMap((one) => ['--opt', one]),
    '--allow',
    'network.host',
  ];
  const to = ['--output', `${output},${common}`, '--metadata-file', metadata];
  const command: Command = {
    argv: [buildkit.buildctl, '--addr', address, 'build', ...how, ...files, ...to, ...flags],
  };
  return {
    build() {
      const { ms } = run(command);
      const said = JSON.parse(readFileSync(metadata, 'utf8')) as Readonly<Record<string, unknown>>;
      return { ms, identity: String(said['containerimage.config.digest']) };
    },
  };
}

/** `docker build` with BuildKit, under a name. */
export function dockerBuild({ docker }: EnginesState, paths: ContextFolder, name: string, folder: string): Client {
  return byIdFile(folder, (idFile) => ({
    argv: [docker.cli, 'build', '--network', 'host', '--iidfile', idFile, ...named(paths, name)],
    env: { DOCKER_HOST: docker.host, DOCKER_CONFIG: docker.configDir, DOCKER_BUILDKIT: '1' },
  }));
}

/** `podman build`, under a name. */
export function podmanBuild({ podman }: EnginesState, paths: ContextFolder, name: string, folder: string): Client {
  const [file = 'podman', ...flags] = podman.cli;
  // As the builder asks for it: no label with a version, and nothing pulled.
  const same = ['--format', 'oci', '--identity-label=false', '--pull=never', '--network', 'host'];
  return byIdFile(folder, (idFile) => ({
    argv: [file, ...flags, 'build', ...same, '--iidfile', idFile, ...named(paths, name)],
  }));
}

function named({ context, dockerfile }: ContextFolder, name: string): readonly string[] {
  return ['--tag', name, '--file', dockerfile, context];
}

function byIdFile(folder: string, commandWith: (idFile: string) => Command): Client {
  const idFile = join(folder, 'id');
  return {
    build() {
      const { ms } = run(commandWith(idFile));
      const id = readFileSync(idFile, 'utf8').trim();
      return { ms, identity: id.startsWith('sha256:') ? id : `sha256:${id}` };
    },
  };
}
