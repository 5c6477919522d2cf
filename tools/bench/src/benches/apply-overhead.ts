// What apply adds to builds that the engine has in its cache: the same Dockerfiles through the whole command, and through the engine's API alone.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { graph } from '@rebake/rebake';
import type { Location } from '@rebake/sdk';
import type { Bench, Tools } from '../bench.ts';
import { buildAll, contextName, declare, writeContexts, type Built } from '../build-fleet.ts';
import { enginesFor } from '../engines.ts';
import { context } from '../context.ts';
import { dockerBuilder } from '../probe.ts';
import { rebake, run, type Command } from '../processes.ts';
import { temporaryFolder } from '../scratch.ts';
import { inTurn } from '../statistics.ts';

const ENVS = 50;
/** Builds at a time, on both sides. */
const PARALLEL = 8;

/** See the title. */
export const applyOverhead: Bench = {
  name: 'apply-overhead',
  title: `${ENVS} cached builds by \`rebake apply\`, beside the same ones by the engine's API`,
  async run({ root, scratch, note }: Tools) {
    const { docker, rootfs } = await enginesFor('docker', 'rootfs');
    const tmp = temporaryFolder(scratch);
    const [dir, contexts] = [join(scratch, 'fleet'), join(scratch, 'contexts')];
    const builder = await dockerBuilder(docker.host);
    const left: Location[] = [];
    try {
      note(`building ${ENVS} images for the first time`);
      declare(dir, { envs: ENVS, rootfs: rootfs.path, parallel: PARALLEL, mark: randomBytes(4).toString('hex') });
      const built = await buildAll(dir, builder, left);
      const children = await writeContexts(contexts, built);
      const rebuilds = (await envImages(dir)).flatMap((id) => ['--rebuild', id]);
      const flags = ['--auto-approve', '--json', '--parallelism', String(PARALLEL)];
      const command = rebake(root, tmp, dir, 'apply', ...flags, ...rebuilds);
      const apply: Command = {
        ...command,
        env: { ...command.env, DOCKER_HOST: docker.host, DOCKER_CONFIG: docker.configDir },
      };
      const script = join(import.meta.dirname, '../peers/builds.ts');
      const direct: Command = { argv: [process.execPath, script, docker.socket, contexts, String(PARALLEL)] };
      const samples = await inTurn(
        {
          rebake: () => {
            const { ms, stdout } = run(apply);
            checkBuilt(stdout);
            return ms;
          },
          api: () => {
            const { ms, stdout } = run(direct);
            checkSame(stdout, children);
            return ms;
          },
        },
        { count: 5, warmUp: 1 },
      );
      return [
        {
          what: `${ENVS} cached builds, ${PARALLEL} at a time`,
          unit: 'ms',
          ours: { what: 'rebake apply', samples: samples.rebake },
          peer: { what: "the engine's API, whole process", samples: samples.api },
          compare: { by: 'difference', per: ENVS, of: 'an image' },
          bar: '≤ +100 ms an image',
        },
      ];
    } finally {
      for (const at of left) await builder.remove(at, context(scratch));
      await builder.close();
    }
  },
};

async function envImages(dir: string): Promise<readonly string[]> {
  const { text } = await graph({ cwd: dir, env: {}, format: 'json' });
  const { nodes } = JSON.parse(text ?? '{"nodes":[]}') as {
    readonly nodes: readonly { readonly id: string; readonly role: string }[];
  };
  return nodes.filter(({ id, role }) => role === 'image' && id.startsWith('env/')).map(({ id }) => id);
}

/** A run that adopted or kept anything would have measured something else. */
function checkBuilt(events: string): void {
  const last = JSON.parse(events.trim().split('\n').at(-1) ?? '') as { readonly counts?: { readonly built: number } };
  if (last.counts?.built !== ENVS) throw new Error(`not all ${ENVS} images were built: ${JSON.stringify(last)}`);
}

/** The other side has to have built the very same images. */
function checkSame(lines: string, children: readonly Built[]): void {
  const ids = new Map(
    lines
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  for (const [index, { output }] of children.entries()) {
    const id = ids.get(contextName(index));
    if (id !== output.identity) throw new Error(`the engine's API built ${id} where rebake has ${output.identity}`);
  }
}
