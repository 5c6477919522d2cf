// How well builds are spread over several daemons: an apply on three hosts, beside the least time that any schedule of its builds could take.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Event } from '@rebake/sdk';
import { startHosts, writeTinyRootfs } from '@rebake/tool-engines';
import type { Bench, Row, Tools } from '../bench.ts';
import { enginesFor } from '../engines.ts';
import { leastMakespan, type Build } from '../makespan.ts';
import { rebake, run } from '../processes.ts';
import { temporaryFolder } from '../scratch.ts';
import { declareSleepy, FLEET, SAMPLE, type Sleeper } from '../sleepy-fleet.ts';
import { median } from '../statistics.ts';

const HOSTS = 3;
const PARALLEL = 2;
const ROUNDS = 3;

/** See the title. */
export const distributed: Bench = {
  name: 'distributed',
  title: `\`rebake apply\` of ${FLEET.length} images on ${HOSTS} BuildKit daemons, beside the bound of the critical path and the load`,
  async run({ root, scratch, note }: Tools) {
    const state = await enginesFor('buildkit', 'rootfs');
    const tmp = temporaryFolder(scratch);
    const rootfs = join(scratch, 'tiny.tar');
    writeTinyRootfs(state, rootfs);
    await using network = await startHosts({ root: join(scratch, 'hosts'), count: HOSTS });

    const declare = (path: string, images: readonly Sleeper[]): void =>
      declareSleepy(join(scratch, path), images, randomBytes(4).toString('hex'), {
        network,
        parallel: PARALLEL,
        rootfs,
        path,
      });
    const apply = (path: string, images: readonly Sleeper[], ...flags: readonly string[]) => {
      const { ms, stdout } = run(rebake(root, tmp, join(scratch, path), 'apply', '--auto-approve', '--json', ...flags));
      const events = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Event);
      check(events, images);
      return { ms, events };
    };

    const samples = { first: [] as number[], again: [] as number[], bound: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      note(`round ${round + 1} of ${ROUNDS}: ${SAMPLE.length} builds one by one`);
      declare(`sample-${round}`, SAMPLE);
      const { events } = apply(`sample-${round}`, SAMPLE, '--parallelism', '1');
      samples.bound.push(leastMakespan(buildsOf(FLEET, besideSleep(events)), HOSTS * PARALLEL));
      const path = `fleet-${round}`;
      note(`round ${round + 1} of ${ROUNDS}: ${FLEET.length} builds, ${HOSTS * PARALLEL} at a time`);
      declare(path, FLEET);
      samples.first.push(apply(path, FLEET).ms);
      note(`round ${round + 1} of ${ROUNDS}: the same, all changed`);
      declare(path, FLEET);
      samples.again.push(apply(path, FLEET).ms);
    }
    const row = (what: string, ours: readonly number[]): Row => ({
      what,
      unit: 'ms',
      ours: { what: 'rebake apply', samples: ours },
      peer: { what: 'no schedule takes less', samples: samples.bound },
      compare: { by: 'times' },
      bar: '≤ 1.15 ×',
    });
    return [
      row(`${FLEET.length} images for the first time`, samples.first),
      row(`${FLEET.length} images again, all of them changed`, samples.again),
    ];
  },
};

/** Milliseconds that builds took beside their waiting, when they ran one by one. */
interface Beside {
  readonly bases: ReadonlyMap<string, number>;
  readonly env: number;
}

function besideSleep(events: readonly Event[]): Beside {
  const ms = new Map(
    events.flatMap((event) => (event.type === 'node-settled' ? [[event.node, event.ms] as const] : [])),
  );
  const beside = (image: Sleeper): number => {
    const found = [...ms].find(([id]) =>
      id.startsWith(image.kind === 'base' ? `base/${image.name}#` : `env/python/${image.name}@`),
    );
    if (found === undefined) throw new Error(`${image.name} was not built`);
    return found[1] - image.ms;
  };
  const [bases, envs] = (['base', 'env'] as const).map((kind) => SAMPLE.filter((image) => image.kind === kind));
  return {
    bases: new Map((bases ?? []).map((base) => [base.name, beside(base)])),
    env: median((envs ?? []).map(beside)),
  };
}

function buildsOf(images: readonly Sleeper[], { bases, env }: Beside): ReadonlyMap<string, Build> {
  return new Map(
    images.map(({ name, on, ms, kind }) => [name, { on, ms: ms + (kind === 'base' ? (bases.get(name) ?? 0) : env) }]),
  );
}

/** A run that left anything out would have measured something else. */
function check(events: readonly Event[], images: readonly Sleeper[]): void {
  const last = events.at(-1);
  const counts = last?.type === 'run-finished' ? last.counts : null;
  if (counts?.built !== images.length || counts.published !== images.length)
    throw new Error(`not all ${images.length} images were built and published: ${JSON.stringify(counts)}`);
}
