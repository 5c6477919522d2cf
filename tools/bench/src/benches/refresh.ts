// Looking before planning: a registry is asked for 1,000 references, by the whole command and by the least that could ask.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { graph } from '@rebake/rebake';
import type { Bench } from '../bench.ts';
import { enginesFor } from '../engines.ts';
import { fakeBuilder } from '../fake-builder.ts';
import { freshProject } from '../fill.ts';
import { probe } from '../probe.ts';
import { rebake, timed } from '../processes.ts';
import { temporaryFolder } from '../scratch.ts';
import { inTurn } from '../statistics.ts';

const ENVS = 1_000;
/** Sockets of the peer: as many as rebake opens to one registry. */
const CONNECTIONS = 16;

/** See the title. */
export const refresh: Bench = {
  name: 'refresh',
  title: 'no-op `rebake plan` that asks a local registry for 1,000 references',
  async run({ root, scratch, note }) {
    const { docker, registries } = await enginesFor('docker', 'plain');
    const tmp = temporaryFolder(scratch);
    const dir = join(scratch, 'fleet');
    const command = rebake(root, tmp, dir, 'plan', '--detailed-exitcode');
    const plan = { ...command, env: { ...command.env, DOCKER_HOST: docker.host, DOCKER_CONFIG: docker.configDir } };
    note(`publishing ${ENVS} images of a few hundred bytes`);
    // A namespace of this run's own: nothing is found that an earlier one left.
    const registry = `${registries.plain.address}/bench-${randomBytes(4).toString('hex')}`;
    const builder = fakeBuilder(await probe(docker.host, scratch), registries.plain.url);
    await freshProject(dir, { envs: ENVS, registry }, builder);
    const list = join(scratch, 'references');
    writeFileSync(list, (await references(dir)).map((line) => `${line}\n`).join(''));
    const peer = join(import.meta.dirname, '../peers/heads.ts');
    const samples = await inTurn(
      {
        rebake: () => timed(plan),
        heads: () => timed({ argv: [process.execPath, peer, registries.plain.url, list, String(CONNECTIONS)] }),
      },
      { count: 7, warmUp: 1 },
    );
    return [
      {
        what: '1,000 references',
        unit: 'ms',
        ours: { what: 'rebake plan', samples: samples.rebake },
        peer: { what: '1,000 HEAD requests, whole process', samples: samples.heads },
        compare: { by: 'times' },
        bar: '< 2,000 ms',
      },
    ];
  },
};

/** What the publications of a project are found under, as `REPOSITORY TAG`. */
async function references(dir: string): Promise<readonly string[]> {
  const { text } = await graph({ cwd: dir, env: {}, format: 'json' });
  if (text === null) throw new Error(`${dir} has no graph`);
  const { nodes } = JSON.parse(text) as {
    readonly nodes: readonly { readonly repository?: string; readonly tags?: readonly string[] }[];
  };
  return nodes.flatMap(({ repository, tags = [] }) =>
    repository === undefined ? [] : tags.map((tag) => `${repository} ${tag}`),
  );
}
