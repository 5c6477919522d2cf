// How large the image of an environment is, in the registry and without its base.
import { join } from 'node:path';
import type { Bench, Row, Tools } from '../bench.ts';
import { COLD, madeBy, openArena, oursIn, peersIn, REQUIREMENTS, type Contender } from '../embedded/arena.ts';
import { unpack } from '../embedded/contents.ts';
import { bytesOnTop } from '../embedded/repository.ts';

/** See the title. */
export const embeddedSize: Bench = {
  name: 'embedded-size',
  title: 'what pandas, scikit-learn and flask add to a base, compressed, beside uv and pip in Dockerfiles',
  async run(tools: Tools) {
    await using arena = await openArena(tools);
    const zstd = await oursIn(arena, 'zstd', { warm: REQUIREMENTS });
    const gzip = await oursIn(arena, 'gzip', { warm: REQUIREMENTS });
    await zstd.make(COLD, { one: { requirements: REQUIREMENTS, bytecode: false, bases: ['python'] } });
    const folder = join(tools.scratch, 'contents');
    const { prefix } = await unpack(zstd.repository, await madeBy(zstd), zstd.base, folder);
    await zstd.repository.forgetAllBut(zstd.base);
    const peers = await peersIn(arena, gzip, ['buildkitUv', 'dockerUv', 'dockerPip'], { warm: REQUIREMENTS, prefix });

    const sizeOf = async (one: Contender, make: () => Promise<number>): Promise<number> => {
      await make();
      const bytes = bytesOnTop(await madeBy(one), one.base);
      await one.repository.forgetAllBut(one.base);
      return bytes / 1e6;
    };
    const rows: Row[] = [];
    for (const bytecode of [false, true]) {
      const envs = { one: { requirements: REQUIREMENTS, bytecode, bases: ['python'] } };
      const own = {
        zstd: await sizeOf(zstd, async () => zstd.make(COLD, envs)),
        gzip: await sizeOf(gzip, async () => gzip.make(COLD, envs)),
      };
      const row = async (compression: 'zstd' | 'gzip', name: keyof typeof peers): Promise<Row> => ({
        what: `${bytecode ? 'with' : 'without'} bytecode, ${compression}`,
        unit: 'MB',
        ours: { what: 'rebake', samples: [own[compression]] },
        peer: {
          what: peers[name].what,
          samples: [await sizeOf(peers[name], async () => peers[name].make({ bytecode }))],
        },
        compare: { by: 'times' },
        bar: '≤ 1.05 ×',
      });
      rows.push(await row('zstd', 'buildkitUv'), await row('gzip', 'dockerUv'), await row('gzip', 'dockerPip'));
    }
    return rows;
  },
};
