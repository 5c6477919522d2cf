/**
 * A process of its own that writes, recalls and prunes in the cache named by its first argument, in an order that follows from the second,
 * and says each thing that it has done. What it has used must stay until it ends. It ends after as many things as the third says.
 */
import { carryOutPrune, openCache, planPrune } from '../../src/index.ts';
import { bytesOf, digestOf, never, pieces } from '../tools.ts';
import { contentOf, COUNT, DIGESTS, numbers } from './contents.ts';

const [dir = '', seed = '', things = ''] = process.argv.slice(2);
const next = numbers(Number(seed));
const cache = openCache(dir);
const used = new Set<number>();

async function check(i: number, what: string): Promise<void> {
  const digest = DIGESTS[i] ?? 'sha256:';
  const found = digestOf(await bytesOf(cache.read(digest)));
  if (found !== digest) throw new Error(`${what}: blob ${i} is not whole`);
}

for (let done = 0; done < Number(things); done++) {
  const i = next(COUNT);
  const other = (i + 1) % COUNT;
  switch (next(4)) {
    case 0:
      await cache.write({ digest: DIGESTS[i] ?? 'sha256:' }, pieces(contentOf(i), 50_000));
      used.add(i);
      break;
    case 1: {
      for (const one of [i, other]) await cache.write({ digest: DIGESTS[one] ?? 'sha256:' }, pieces(contentOf(one)));
      await cache.keep('pair', String(i), { value: i, blobs: [DIGESTS[i] ?? 'sha256:', DIGESTS[other] ?? 'sha256:'] });
      for (const one of [i, other]) used.add(one);
      break;
    }
    case 2: {
      const value = await cache.recall<number>('pair', String(i));
      if (value === null) break;
      if (value !== i) throw new Error(`fact ${i} is ${value}`);
      for (const one of [i, other]) {
        await check(one, `fact ${i}`);
        used.add(one);
      }
      break;
    }
    default: {
      const plan = await planPrune(dir, { olderThanMs: 0, maxBytes: null });
      if (plan !== null) await carryOutPrune(dir, plan, never);
    }
  }
  const [...all] = used;
  const mine = all[next(all.length)];
  if (mine !== undefined) await check(mine, 'what was used');
  process.stdout.write(`${done}\n`);
}
await cache.close();
