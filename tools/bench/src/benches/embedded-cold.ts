// From requirements to an image in a registry, with no layer made yet: the embedded builder beside Dockerfiles with uv and pip.
import { join } from 'node:path';
import type { Bench, Row, Tools } from '../bench.ts';
import { COLD, madeBy, openArena, oursIn, peersIn, REQUIREMENTS, type Contender } from '../embedded/arena.ts';
import { mustBeSame, unpack, type Unpacked } from '../embedded/contents.ts';
import { inTurn } from '../statistics.ts';

const ROUNDS = { count: 3, warmUp: 1 };

/** See the title. */
export const embeddedCold: Bench = {
  name: 'embedded-cold',
  title: 'pandas, scikit-learn and flask, from requirements to a registry, beside uv and pip in Dockerfiles',
  async run(tools: Tools) {
    const { scratch, note } = tools;
    await using arena = await openArena(tools);
    const zstd = await oursIn(arena, 'zstd', { warm: REQUIREMENTS });
    const gzip = await oursIn(arena, 'gzip', { warm: REQUIREMENTS });
    const env = (bytecode: boolean) => ({ one: { requirements: REQUIREMENTS, bytecode, bases: ['python'] } });
    let folders = 0;
    const contentsOf = async (one: Contender): Promise<Unpacked> =>
      unpack(one.repository, await madeBy(one), one.base, join(scratch, `contents-${folders++}`));

    /** A sample of one side; what it pushed is forgotten afterwards. */
    const once = (one: Contender, make: () => Promise<number>) => async (): Promise<number> => {
      const ms = await make();
      await madeBy(one);
      await one.repository.forgetAllBut(one.base);
      return ms;
    };

    await zstd.make(COLD, env(false));
    const { prefix } = await contentsOf(zstd);
    await zstd.repository.forgetAllBut(zstd.base);
    const peers = await peersIn(arena, gzip, ['buildkitUv', 'dockerUv', 'dockerPip'], { warm: REQUIREMENTS, prefix });
    const { buildkitUv, dockerUv, dockerPip } = peers;

    for (const bytecode of [false, true]) {
      note(`comparing contents, ${bytecode ? 'with' : 'without'} bytecode`);
      await zstd.make(COLD, env(bytecode));
      const ours = await contentsOf(zstd);
      await zstd.repository.forgetAllBut(zstd.base);
      for (const peer of [buildkitUv, dockerUv, dockerPip]) {
        await peer.make({ bytecode });
        mustBeSame(`${peer.what}${bytecode ? ', bytecode' : ''}`, ours, await contentsOf(peer));
        await peer.repository.forgetAllBut(peer.base);
      }
    }

    const rows: Row[] = [];
    for (const bytecode of [false, true]) {
      note(`measuring ${bytecode ? 'with' : 'without'} bytecode`);
      const samples = await inTurn(
        {
          zstd: once(zstd, async () => zstd.make(COLD, env(bytecode))),
          buildkitUv: once(buildkitUv, async () => buildkitUv.make({ bytecode })),
          gzip: once(gzip, async () => gzip.make(COLD, env(bytecode))),
          dockerUv: once(dockerUv, async () => dockerUv.make({ bytecode })),
          dockerPip: once(dockerPip, async () => dockerPip.make({ bytecode })),
        },
        ROUNDS,
      );
      const row = (own: 'zstd' | 'gzip', peer: 'buildkitUv' | 'dockerUv' | 'dockerPip', bar: string | null): Row => ({
        what: `${bytecode ? 'with' : 'without'} bytecode, ${own}`,
        unit: 'ms',
        ours: { what: 'rebake apply --lock', samples: samples[own] },
        peer: { what: peers[peer].what, samples: samples[peer] },
        compare: { by: 'times' },
        bar,
      });
      rows.push(
        row('zstd', 'buildkitUv', bytecode ? '≤ 0.67 ×' : '≤ 0.56 ×'),
        row('gzip', 'dockerUv', bytecode ? null : '≤ 0.29 ×'),
        row('gzip', 'dockerPip', bytecode ? '≤ 0.25 ×' : null),
      );
    }
    return rows;
  },
};
