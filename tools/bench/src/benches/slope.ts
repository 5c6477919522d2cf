// What one more env image costs a no-op plan, beside what the same node costs ninja and make.
import { join } from 'node:path';
import type { Bench, Row } from '../bench.ts';
import { fakeBuilder } from '../fake-builder.ts';
import { writeFiles } from '../fleet.ts';
import { freshProject } from '../fill.ts';
import { PEERS, peerFiles } from '../peer-graphs.ts';
import { need, rebake, run, timed } from '../processes.ts';
import { temporaryFolder } from '../scratch.ts';
import { inTurn, slopes as slopesOf } from '../statistics.ts';
import { NOOP_PLAN } from './noop.ts';

const SMALL = 1_000;
const LARGE = 10_000;
const ROUNDS = { count: 11, warmUp: 2 };
const PROGRAMS = ['ninja', 'make'] as const;

/** See the title. */
export const slopes: Bench = {
  name: 'slope',
  title: 'no-op on 1,000 and on 10,000 env images, beside ninja and make on the same graph',
  async run({ root, scratch, note }) {
    for (const program of PROGRAMS) need(program, PEERS[program].debianPackage);
    const tmp = temporaryFolder(scratch);
    const dirs = { small: join(scratch, 'small'), large: join(scratch, 'large') };
    const plan = (dir: string): number => timed(rebake(root, tmp, dir, ...NOOP_PLAN));
    const peer = (program: (typeof PROGRAMS)[number], dir: string): number =>
      timed({ argv: PEERS[program].argv, cwd: dir });
    // Says before minutes of preparation that the command is not built.
    rebake(root, tmp, scratch);
    for (const [dir, envs] of [
      [dirs.small, SMALL],
      [dirs.large, LARGE],
    ] as const) {
      note(`filling the state and the stamps of ${envs} env images`);
      await freshProject(dir, { envs, registry: null }, fakeBuilder());
      writeFiles(dir, peerFiles(envs));
      run({ argv: PEERS.ninja.argv, cwd: dir });
    }
    const samples = await inTurn(
      {
        rebakeSmall: () => plan(dirs.small),
        ninjaSmall: () => peer('ninja', dirs.small),
        makeSmall: () => peer('make', dirs.small),
        rebakeLarge: () => plan(dirs.large),
        ninjaLarge: () => peer('ninja', dirs.large),
        makeLarge: () => peer('make', dirs.large),
      },
      ROUNDS,
    );
    const perImage = (small: readonly number[], large: readonly number[]): number[] =>
      slopesOf({ nodes: SMALL, samples: small }, { nodes: LARGE, samples: large }).map((ms) => ms * 1_000);
    const row = (
      what: string,
      unit: Row['unit'],
      ours: readonly number[],
      program: string,
      theirs: readonly number[],
    ): Row => ({
      what,
      unit,
      ours: { what: 'rebake plan', samples: ours },
      peer: { what: program, samples: theirs },
      compare: { by: 'times' },
      bar: null,
    });
    return PROGRAMS.flatMap((program) => [
      row('1,000 env images', 'ms', samples.rebakeSmall, program, samples[`${program}Small`]),
      row('10,000 env images', 'ms', samples.rebakeLarge, program, samples[`${program}Large`]),
      row(
        'one env image more',
        'µs',
        perImage(samples.rebakeSmall, samples.rebakeLarge),
        program,
        perImage(samples[`${program}Small`], samples[`${program}Large`]),
      ),
    ]);
  },
};
