// Medians, slopes and the order in which sides are measured.
import { describe, expect, it } from 'vitest';
import { inTurn, median, range, slopes } from '../src/statistics.ts';

describe('median', () => {
  it('is the value in the middle, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is the mean of the two in the middle of an even number', () => {
    expect(median([4, 1, 2, 100])).toBe(3);
  });

  it('refuses an empty sample', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

it('gives the smallest and the largest', () => {
  expect(range([3, 1, 2])).toEqual([1, 3]);
});

describe('slopes', () => {
  it('is the rise of each round for each node between the two graphs', () => {
    const found = slopes({ nodes: 10, samples: [100, 110] }, { nodes: 20, samples: [150, 150] });
    expect(found).toEqual([5, 4]);
  });

  it('refuses graphs that are not larger, and rounds that lack an end', () => {
    expect(() => slopes({ nodes: 10, samples: [1] }, { nodes: 10, samples: [2] })).toThrow(RangeError);
    expect(() => slopes({ nodes: 1, samples: [1] }, { nodes: 2, samples: [2, 3] })).toThrow(RangeError);
  });
});

describe('inTurn', () => {
  it('measures the sides alternately, and drops what it warmed up with', async () => {
    const calls: string[] = [];
    let clock = 0;
    const side = (name: string) => (): number => {
      calls.push(name);
      return clock++;
    };
    const samples = await inTurn({ a: side('a'), b: side('b') }, { count: 2, warmUp: 1 });
    expect(calls).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(samples).toEqual({ a: [2, 4], b: [3, 5] });
  });
});
