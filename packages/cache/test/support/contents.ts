// What the processes of the crash test write: contents that anybody can make again from their number.
import { createHash } from 'node:crypto';
import { digestOf } from '../tools.ts';

export const COUNT = 24;

/** Of a few bytes up to half a megabyte. */
export function contentOf(i: number): Buffer {
  const block = createHash('sha512').update(`content ${i}`).digest();
  const size = [1, 100, 5_000, 90_000, 300_000, 500_000][i % 6] ?? 0;
  return Buffer.alloc(size, block);
}

export const DIGESTS = Array.from({ length: COUNT }, (_, i) => digestOf(contentOf(i)));

/** Numbers that follow from a seed (a linear congruence). */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
