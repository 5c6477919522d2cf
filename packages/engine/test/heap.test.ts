// The ready queue against sorting, and the bounds of its lanes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from '../src/apply/heap.ts';
import { Lanes } from '../src/apply/lanes.ts';

describe('Heap', () => {
  it('gives the greatest first, and equals in the order in which they came', () => {
    const step = fc.oneof({ weight: 3, arbitrary: fc.nat(9) }, { weight: 2, arbitrary: fc.constant('pop' as const) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const heap = new Heap<number>();
        const sorted: { priority: number; seq: number }[] = [];
        for (const [seq, what] of steps.entries()) {
          if (what === 'pop') {
            expect(heap.pop()).toBe(sorted.shift()?.seq);
          } else {
            heap.push(what, seq);
            sorted.push({ priority: what, seq });
            sorted.sort((a, b) => b.priority - a.priority || a.seq - b.seq);
          }
          expect(heap.size).toBe(sorted.length);
          expect(heap.top).toBe(sorted[0]?.priority ?? null);
        }
        while (sorted.length > 0) expect(heap.pop()).toBe(sorted.shift()?.seq);
        expect(heap.pop()).toBeUndefined();
      }),
      { seed: 1 },
    );
  });
});

describe('Lanes', () => {
  const all = (): boolean => true;

  it('take the best of the lanes that have room, and count what runs', () => {
    const lanes = new Lanes<string>({ parallelism: 3, lanes: new Map([['x', 1]]) });
    lanes.push('x', 5, 'x5');
    lanes.push('x', 4, 'x4');
    lanes.push('y', 3, 'y3');
    lanes.push(null, 2, 'n2');
    lanes.push('y', 1, 'y1');
    expect([lanes.take(all), lanes.take(all), lanes.take(all), lanes.take(all)]).toEqual(['x5', 'y3', 'n2', null]);
    expect(lanes.running).toBe(3);
    lanes.free('y');
    expect(lanes.running).toBe(2);
    expect(lanes.take(all)).toBe('y1');
    lanes.free('x');
    expect(lanes.take(all)).toBe('x4');
    lanes.free('x');
    lanes.free(null);
    expect(lanes.take(all)).toBeNull();
  });

  it('pass over what nobody wants any more, without counting it', () => {
    const lanes = new Lanes<string>({ parallelism: 1, lanes: new Map([['x', 1]]) });
    lanes.push('x', 2, 'gone');
    lanes.push('x', 1, 'here');
    expect(lanes.take((item) => item !== 'gone')).toBe('here');
    expect(lanes.running).toBe(1);
    expect(lanes.take(all)).toBeNull();
  });

  it('keep lanes of builders apart from none', () => {
    const lanes = new Lanes<string>({ parallelism: 9, lanes: new Map([['x', 0]]) });
    lanes.push('x', 9, 'never');
    lanes.push(null, 1, 'free');
    expect(lanes.take(all)).toBe('free');
    expect(lanes.take(all)).toBeNull();
  });
});
