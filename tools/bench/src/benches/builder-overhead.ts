// What a builder adds to a build that is all cache: one call of it, and a whole process around that call, beside the engine's own client.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '@rebake/sdk';
import { candidateName } from '@rebake/sdk/building';
import { startBuildkitd } from '@rebake/tool-engines';
import { NotMeasured, type Bench, type Row, type Tools } from '../bench.ts';
import { cachedJobs, type CachedJobs } from '../cached-jobs.ts';
import type { Made } from '../clients.ts';
import { context } from '../context.ts';
import { buildkitToLayout, buildkitToRepository, inDocker, inPodman, peerName } from '../contests.ts';
import type { Arena, Contest } from '../contests.ts';
import { enginesFor } from '../engines.ts';
import { builderOf } from '../made-builders.ts';
import { run, type Command } from '../processes.ts';
import { temporaryFolder } from '../scratch.ts';
import { inTurn } from '../statistics.ts';

const ROUNDS = { count: 21, warmUp: 3 };
const CONTESTS = [buildkitToRepository, buildkitToLayout, inDocker, inPodman];

/** See the title. */
export const builderOverhead: Bench = {
  name: 'builder-overhead',
  title: "one build that is all cache by each builder, beside the engine's own client",
  async run(tools: Tools) {
    if (!existsSync(join(tools.root, 'plugins/buildkit/dist/index.js')))
      throw new NotMeasured('the plugins are not built: npm run build');
    const state = await enginesFor('docker', 'podman', 'buildkit', 'rootfs', 'plain');
    const mark = randomBytes(4).toString('hex');
    const jobs = cachedJobs({ mark, rootfs: state.rootfs, folder: join(tools.scratch, 'kit') });
    // One of its own: nothing else keeps it busy, and nothing is left in it.
    await using daemon = await startBuildkitd({ root: join(tools.scratch, 'buildkitd') });
    const rows: Row[] = [];
    for (const [index, contestOf] of CONTESTS.entries()) {
      const dir = join(tools.scratch, `builder-${index}`);
      const arena: Arena = { state, mark, dir, daemon: daemon.address };
      rows.push(...(await rowsOf(contestOf(arena), arena, jobs, tools)));
    }
    return rows;
  },
};

async function rowsOf(contest: Contest, arena: Arena, jobs: CachedJobs, { scratch, note }: Tools): Promise<Row[]> {
  note(`${contest.what}: building for the first time`);
  const { dir } = arena;
  mkdirSync(dir, { recursive: true });
  const builder = await builderOf(contest.plugin, contest.builder.kind, contest.builder.options, dir);
  const ctx = context(scratch);
  const { engine } = await builder.probe(ctx);
  const names = [peerName(arena), candidateName(jobs.base.key)];
  try {
    const base = await builder.build(jobs.base, ctx);
    const next = (): Job => {
      const job = jobs.child(base, names.length);
      names.push(candidateName(job.key));
      return job;
    };
    const build = async (): Promise<Made> => {
      const job = next();
      const start = performance.now();
      const { identity } = await builder.build(job, ctx);
      return { ms: performance.now() - start, identity };
    };
    const { identity } = await build();
    const same = (side: string, built: Made): number => {
      if (built.identity !== identity)
        throw new Error(`${contest.what}: ${side} built ${built.identity}, not ${identity}`);
      return built.ms;
    };
    const client = await contest.setUp(jobs.child(base, 0), { job: jobs.base, output: base }, join(dir, 'client'));
    const whole = (): Made => {
      const file = join(dir, 'build-once.json');
      writeFileSync(file, JSON.stringify({ ...contest.builder, job: next() }));
      const { ms, stdout } = run(buildOnce(file, scratch));
      return { ms, identity: stdout.trim() };
    };
    const samples = await inTurn(
      {
        call: async () => same('the builder', await build()),
        client: () => same(contest.client, client.build()),
        process: () => same('the process', whole()),
      },
      ROUNDS,
    );
    const row = (what: string, side: string, ours: readonly number[], bar: string | null): Row => ({
      what: `${contest.what}, ${what}`,
      unit: 'ms',
      ours: { what: side, samples: ours },
      peer: { what: `\`${contest.client}\``, samples: samples.client },
      compare: { by: 'times' },
      bar,
    });
    return [
      row('one call', 'builder.build()', samples.call, contest.bar),
      row('a whole process', 'a process around it', samples.process, null),
    ];
  } finally {
    for (const name of names) await builder.remove({ engine, name }, ctx);
    await builder.close();
  }
}

function buildOnce(file: string, scratch: string): Command {
  const script = join(import.meta.dirname, '../build-once.ts');
  // On what was built, not on sources: they would have to be stripped of their types first.
  return { argv: [process.execPath, script, file], env: { TMPDIR: temporaryFolder(scratch), NODE_OPTIONS: '' } };
}
