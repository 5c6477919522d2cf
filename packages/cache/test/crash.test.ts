// What is left of the cache when several processes use it at once and are killed: whole blobs, and no fact without its blobs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { carryOutPrune, openCache, planPrune } from '../src/index.ts';
import { COUNT, DIGESTS, numbers } from './support/contents.ts';
import { blobFiles, bytesOf, digestOf, never, temporaryDir } from './tools.ts';

/** Starts a process on a cache, and kills it when it has said so many lines; null: never. Gives how it ended. */
async function child(dir: string, seed: number, killAfter: number | null): Promise<readonly unknown[]> {
  const program = new URL('support/cache-child.ts', import.meta.url).pathname;
  // Who is to be killed does not end by itself.
  const things = killAfter === null ? 60 : Number.MAX_SAFE_INTEGER;
  const args = ['--conditions=@rebake/source', '--no-warnings', program, dir, String(seed), String(things)];
  const one = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(one, 'close');
  let lines = 0;
  createInterface({ input: one.stdout }).on('line', () => {
    lines++;
    if (lines === killAfter) one.kill('SIGKILL');
  });
  return ended;
}

async function checkAll(dir: string): Promise<void> {
  for (const digest of blobFiles(dir)) {
    const file = join(dir, 'blobs/sha256', digest.slice(7, 9), digest.slice(7));
    expect(digestOf(readFileSync(file))).toBe(digest);
  }
  const cache = openCache(dir);
  for (let i = 0; i < COUNT; i++) {
    const value = await cache.recall('pair', String(i));
    if (value === null) continue;
    expect(value).toBe(i);
    for (const one of [i, (i + 1) % COUNT]) {
      expect(digestOf(await bytesOf(cache.read(DIGESTS[one]!)))).toBe(DIGESTS[one]);
    }
  }
  await cache.close();
}

describe('processes that use one cache', () => {
  it('and are killed leave whole blobs, and no fact without its blobs', { timeout: 120_000 }, async () => {
    using folder = temporaryDir();
    const next = numbers(7);
    for (let round = 0; round < 6; round++) {
      const seeds = [1, 2, 3].map((i) => round * 10 + i);
      const ends = await Promise.all(seeds.map(async (seed) => child(folder.dir, seed, 1 + next(25))));
      expect(ends).toEqual(seeds.map(() => [null, 'SIGKILL']));
      await checkAll(folder.dir);
    }
    // Whoever goes on with it, and then nobody: nothing stays.
    expect(await child(folder.dir, 99, null)).toEqual([0, null]);
    await checkAll(folder.dir);
    const plan = await planPrune(folder.dir, { olderThanMs: 0, maxBytes: null });
    await carryOutPrune(folder.dir, plan!, never);
    expect(blobFiles(folder.dir)).toEqual([]);
    expect(readdirSync(join(folder.dir, 'runs'))).toEqual([]);
  });

  it('at once leave nothing behind when they end by themselves', { timeout: 120_000 }, async () => {
    using folder = temporaryDir();
    const ends = await Promise.all([11, 12, 13].map(async (seed) => child(folder.dir, seed, null)));
    expect(ends).toEqual([
      [0, null],
      [0, null],
      [0, null],
    ]);
    await checkAll(folder.dir);
    expect(existsSync(join(folder.dir, 'cache.db'))).toBe(true);
    expect(readdirSync(join(folder.dir, 'runs'))).toEqual([]);
  });
});
