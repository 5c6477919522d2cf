// What prune takes: by age, by size, what killed processes left; never what a process that runs has used, nor what is used meanwhile.
import { linkSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { carryOutPrune, openCache, planPrune, type Cache } from '../src/index.ts';
import { blobFiles, digestOf, failureOf, never, put, temporaryDir } from './tools.ts';

const DAY = 24 * 3_600_000;

interface Rig extends Disposable {
  readonly dir: string;
  readonly parent: string;
  /** Uses the cache as a process of that day does. */
  on<T>(day: number, work: (cache: Cache) => Promise<T>): Promise<T>;
}

function rig(): Rig {
  const folder = temporaryDir();
  return {
    dir: folder.dir,
    parent: folder.parent,
    async on(day, work) {
      const cache = openCache(folder.dir, { now: () => day * DAY });
      try {
        return await work(cache);
      } finally {
        await cache.close();
      }
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

const options = (day: number, olderThanDays: number, maxBytes: number | null = null) => ({
  olderThanMs: olderThanDays * DAY,
  maxBytes,
  now: () => day * DAY,
});

describe('prune', () => {
  it('of no cache is nothing', async () => {
    using r = rig();
    expect(await planPrune(r.dir, options(1, 1))).toBeNull();
    mkdirSync(r.dir);
    writeFileSync(join(r.dir, 'thesis.txt'), '');
    expect(await failureOf(planPrune(r.dir, options(1, 1)))).toContain('CACHE_UNUSABLE');
  });

  it('takes what was not used for so long, by kind, and says what stays', async () => {
    using r = rig();
    const [wheel, layer] = await r.on(100, async (cache) => {
      const blobs = [await put(cache, 'a wheel'), await put(cache, 'a layer, of it')] as const;
      await cache.keep('layer', 'of a wheel', { value: { wheel: blobs[0] }, blobs: [blobs[1]] });
      await put(cache, 'an old wheel');
      await cache.keep('index', 'old', { value: 'x'.repeat(98), blobs: [] });
      return blobs;
    });
    await r.on(130, async (cache) => {
      expect(await cache.recall('layer', 'of a wheel')).toEqual({ wheel });
      expect(await cache.has(wheel)).toBe(7);
      await put(cache, 'new');
    });
    const plan = await planPrune(r.dir, options(131, 30));
    expect(plan?.rows).toEqual([
      { kind: 'index', why: 'unused', count: 1, bytes: 100, shared: 0 },
      { kind: 'download', why: 'unused', count: 1, bytes: 12, shared: 0 },
    ]);
    expect(plan?.kept).toEqual({
      count: 3,
      bytes: 7 + 14 + 3 + JSON.stringify({ wheel }).length,
      sharedBytes: 0,
      inUse: 0,
    });
    expect(blobFiles(r.dir)).toHaveLength(4);
    expect((await carryOutPrune(r.dir, plan!, never)).rows).toEqual(plan?.rows);
    expect(blobFiles(r.dir)).toEqual([wheel, layer, digestOf('new')].toSorted());
    await r.on(131, async (cache) => {
      expect(await cache.recall('index', 'old')).toBeNull();
      expect(await cache.recall('layer', 'of a wheel')).toEqual({ wheel });
    });
    expect((await planPrune(r.dir, options(131, 30)))?.rows).toEqual([]);
  });

  it('takes the least recently used of what is too much, and no more', async () => {
    using r = rig();
    const sizes = [400, 300, 200, 100];
    const blobs: string[] = [];
    for (const [day, size] of sizes.entries())
      blobs.push(await r.on(day, (cache) => put(cache, Buffer.alloc(size, day))));
    await r.on(4, async (cache) => cache.has(digestOf(Buffer.alloc(400, 0))));
    const plan = await planPrune(r.dir, options(5, 1000, 550));
    expect(plan?.rows).toEqual([{ kind: 'download', why: 'over-size', count: 2, bytes: 500, shared: 0 }]);
    await carryOutPrune(r.dir, plan!, never);
    expect(new Set<string | undefined>(blobFiles(r.dir))).toEqual(new Set([blobs[0], blobs[3]]));
  });

  it('takes with a blob what was derived from it', async () => {
    using r = rig();
    await r.on(1, async (cache) => cache.keep('layer', 'k', { value: 1, blobs: [await put(cache, 'layer')] }));
    const plan = await planPrune(r.dir, options(50, 0));
    await carryOutPrune(r.dir, plan!, never);
    await r.on(51, async (cache) => expect(await cache.recall('layer', 'k')).toBeNull());
  });

  it('counts apart what an image of a project holds as well, and lets size not take it', async () => {
    using r = rig();
    const digest = await r.on(1, async (cache) => {
      const made = await put(cache, Buffer.alloc(1000));
      linkSync(cache.path(made), join(r.parent, 'blob of a layout'));
      return made;
    });
    const bySize = await planPrune(r.dir, options(2, 30, 0));
    expect(bySize).toMatchObject({ rows: [], kept: { count: 1, bytes: 0, sharedBytes: 1000 } });
    const byAge = await planPrune(r.dir, options(60, 30));
    expect(byAge?.rows).toEqual([{ kind: 'download', why: 'unused', count: 1, bytes: 0, shared: 1 }]);
    await carryOutPrune(r.dir, byAge!, never);
    expect(blobFiles(r.dir)).not.toContain(digest);
    expect(statSync(join(r.parent, 'blob of a layout')).size).toBe(1000);
  });

  it('leaves alone what a process that runs has used, however long ago that was', async () => {
    using r = rig();
    const [used, other] = await r.on(1, async (cache) => [await put(cache, 'used'), await put(cache, 'other')]);
    await r.on(2, async (running) => {
      await running.has(used!);
      const plan = await planPrune(r.dir, options(500, 0));
      expect(plan?.rows).toMatchObject([{ count: 1, bytes: 5 }]);
      expect(plan?.kept.inUse).toBe(1);
      // Used after it was looked at.
      await running.has(other!);
      expect((await carryOutPrune(r.dir, plan!, never)).rows).toEqual([]);
      const size = await planPrune(r.dir, options(2, 500, 0));
      expect(size).toMatchObject({ rows: [], kept: { inUse: 2 } });
    });
    await carryOutPrune(r.dir, (await planPrune(r.dir, options(500, 0)))!, never);
    expect(blobFiles(r.dir)).toEqual([]);
  });

  it('takes what was used meanwhile and let go of again only when that is old enough', async () => {
    using r = rig();
    const digest = await r.on(1, async (cache) => put(cache, 'blob'));
    const plan = await planPrune(r.dir, options(100, 30));
    await r.on(100, async (cache) => cache.has(digest));
    expect((await carryOutPrune(r.dir, plan!, never)).rows).toEqual([]);
    expect(blobFiles(r.dir)).toEqual([digest]);
  });

  it('takes what processes left that were killed', async () => {
    using r = rig();
    await r.on(1, async (cache) => put(cache, 'blob'));
    const run = join(r.dir, 'runs', '1-dead');
    mkdirSync(join(run, 'scratch-1'), { recursive: true });
    writeFileSync(join(run, 'half a blob'), Buffer.alloc(100));
    writeFileSync(join(run, 'scratch-1', 'file'), Buffer.alloc(50));
    const stray = digestOf('nobody noted it');
    mkdirSync(join(r.dir, 'blobs/sha256', stray.slice(7, 9)), { recursive: true });
    writeFileSync(join(r.dir, 'blobs/sha256', stray.slice(7, 9), stray.slice(7)), 'nobody noted it');
    const soon = { olderThanMs: DAY, maxBytes: null };
    expect((await planPrune(r.dir, soon))?.rows.filter(({ why }) => why === 'left-over')).toMatchObject([
      { count: 1, bytes: 150 },
    ]);
    const plan = await planPrune(r.dir, { ...soon, now: () => Date.now() + 2 * DAY });
    expect(plan?.rows).toContainEqual({ kind: 'unfinished', why: 'left-over', count: 2, bytes: 165, shared: 0 });
    await carryOutPrune(r.dir, plan!, never);
    expect(readdirSync(join(r.dir, 'runs'))).toEqual([]);
    expect(blobFiles(r.dir)).toEqual([]);
  });

  it('stops when it is told to', async () => {
    using r = rig();
    const digest = await r.on(1, async (cache) => put(cache, 'blob'));
    const plan = await planPrune(r.dir, options(100, 30));
    await expect(carryOutPrune(r.dir, plan!, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    expect(blobFiles(r.dir)).toEqual([digest]);
  });
});
