// What it takes to send a large context to BuildKit: files that no daemon has seen, beside the same ones from `buildctl`.
import { randomBytes, randomFillSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes, type FileSet, type Step } from '@rebake/image';
import type { Job } from '@rebake/sdk';
import { startBuildkitd } from '@rebake/tool-engines';
import type { Bench, Row, Tools } from '../bench.ts';
import { cachedJobs, job } from '../cached-jobs.ts';
import type { Made } from '../clients.ts';
import { context } from '../context.ts';
import { buildkitToLayout } from '../contests.ts';
import { enginesFor } from '../engines.ts';
import { builderOf } from '../made-builders.ts';
import { run } from '../processes.ts';
import { inTurn } from '../statistics.ts';

const BYTES = 225_000_000;
const BAR = '≤ 1.5 ×';

type StepOf = (files: FileSet) => Step;

/** A job with a file of its own, and the folder that holds it. */
interface Fresh {
  readonly job: Job;
  readonly folder: string;
}

/** What becomes of the file, and how often that is measured. */
const USES: readonly { readonly what: string; readonly count: number; readonly step: StepOf }[] = [
  {
    what: 'read by a RUN, not in the image',
    count: 7,
    step: (files) => ({
      step: 'run',
      files,
      mount: '/mnt/bench',
      workdir: '/',
      argv: ['/bin/sh', '-c', 'wc -c /mnt/bench/file > /size'],
      env: {},
    }),
  },
  {
    what: 'copied into the image, and compressed',
    count: 5,
    step: (files) => ({ step: 'copy', files, to: '/opt/bench', owner: 'root:root' }),
  },
];

/** See the title. */
export const contextTransfer: Bench = {
  name: 'context-transfer',
  title: 'a build with a new file of 225 MB by the BuildKit builder, beside `buildctl`',
  async run(tools: Tools) {
    const { scratch, note } = tools;
    const state = await enginesFor('buildkit', 'rootfs');
    const mark = randomBytes(4).toString('hex');
    await using daemon = await startBuildkitd({ root: join(scratch, 'buildkitd') });
    const dir = join(scratch, 'builder');
    mkdirSync(dir);
    const contest = buildkitToLayout({ state, mark, dir, daemon: daemon.address });
    const builder = await builderOf(contest.plugin, contest.builder.kind, contest.builder.options, dir);
    const ctx = context(scratch);
    try {
      note('building the base');
      const base = cachedJobs({ mark, rootfs: state.rootfs, folder: join(scratch, 'kit') }).base;
      const output = await builder.build(base, ctx);
      let number = 0;
      const next = (step: StepOf): Fresh => {
        const folder = join(scratch, `${number++}`);
        return { job: job(mark, folder, output, [step(newFile(join(folder, 'files')))]), folder };
      };
      const buildOurs = async ({ job: one }: Fresh): Promise<Made> => {
        const start = performance.now();
        const { identity } = await builder.build(one, ctx);
        return { ms: performance.now() - start, identity };
      };
      const buildTheirs = async ({ job: one, folder }: Fresh): Promise<Made> =>
        (await contest.setUp(one, { job: base, output }, join(folder, 'client'))).build();
      const alone = async (step: StepOf, build: (one: Fresh) => Promise<Made>): Promise<number> => {
        const one = next(step);
        const { ms } = await build(one);
        // What was sent stays in the daemon otherwise, a copy for each build.
        run({ argv: [state.buildkit.buildctl, '--addr', daemon.address, 'prune', '--filter', 'type==source.local'] });
        rmSync(one.folder, { recursive: true });
        return ms;
      };
      const rows: Row[] = [];
      for (const { what, count, step } of USES) {
        note(what);
        const same = next(step);
        const [ours, theirs] = [await buildOurs(same), await buildTheirs(same)];
        if (ours.identity !== theirs.identity)
          throw new Error(`${what}: \`buildctl\` built ${theirs.identity}, not ${ours.identity}`);
        rmSync(same.folder, { recursive: true });
        const samples = await inTurn(
          { ours: () => alone(step, buildOurs), theirs: () => alone(step, buildTheirs) },
          { count, warmUp: 1 },
        );
        rows.push({
          what: `225 MB, ${what}`,
          unit: 'ms',
          ours: { what: 'builder.build()', samples: samples.ours },
          peer: { what: '`buildctl build`', samples: samples.theirs },
          compare: { by: 'times' },
          bar: BAR,
        });
      }
      return rows;
    } finally {
      await builder.close();
    }
  },
};

/** A file that nobody has, and that nothing makes smaller. */
function newFile(root: string): FileSet {
  mkdirSync(root, { recursive: true });
  const bytes = randomFillSync(Buffer.allocUnsafe(BYTES));
  writeFileSync(join(root, 'file'), bytes);
  return { root, files: [{ path: 'file', digest: digestOfBytes(bytes), exec: false }] };
}
