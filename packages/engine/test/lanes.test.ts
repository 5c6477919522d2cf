// How many builds run side by side: what is declared, else what the builder says, else a few.
import type { Capabilities, Seen } from '@rebake/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_PARALLEL, lanesOf } from '../src/apply/lanes.ts';
import { Bench } from './support/bench.ts';
import { image } from './support/nodes.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

/** The most builds that ran at once, where each waits until no other one can begin. */
async function most(parallel: number | undefined): Promise<number> {
  const probe = bench.builder.probe.bind(bench.builder);
  bench.builder.probe = async () => ({ ...(await probe()), ...(parallel === undefined ? {} : { parallel }) });
  const waiting: (() => void)[] = [];
  let highest = 0;
  bench.builder.onBuild = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    highest = Math.max(highest, waiting.push(resolve));
    // Whoever may begin has begun by the time that everything else is done.
    if (waiting.length === 1) setImmediate(() => waiting.splice(0).forEach((go) => go()));
    return promise;
  };
  await bench.run(Array.from({ length: 8 }, (_, at) => image(`image ${at}`, [])));
  return highest;
}

describe('builds at a time', () => {
  it('are as many as declared, whatever the builder says', async () => {
    bench.parallel = 3;
    expect(await most(6)).toBe(3);
  });

  it('are as many as the builder says, where nothing is declared', async () => {
    bench.parallel = null;
    expect(await most(6)).toBe(6);
  });

  it('are a few where nobody says anything, and where the builder did not answer', async () => {
    bench.parallel = null;
    expect(await most(undefined)).toBe(DEFAULT_PARALLEL);
    const silent: Seen<Capabilities> = { seen: 'unknown', why: { code: 'X', retry: 'never', words: 'x' } };
    expect([...lanesOf(bench.pool, new Map([['fake', silent]]))]).toEqual([['fake', DEFAULT_PARALLEL]]);
    expect([...lanesOf(bench.pool, new Map())]).toEqual([['fake', DEFAULT_PARALLEL]]);
  });
});
