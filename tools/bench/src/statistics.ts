// Figures out of samples. Medians, because what disturbs a measurement only ever makes it slower.

/** The middle value; of an even number of values, the mean of the two in the middle. Throws on an empty sample. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('the median of nothing');
  return (lower + upper) / 2;
}

/** Smallest and largest. */
export function range(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/**
 * Cost of one node more: for each round the rise from the small graph to the large one, divided by the nodes between them. Samples of
 * the same round were taken side by side, so that a slow moment hits both ends.
 */
export function slopes(small: Sized, large: Sized): number[] {
  if (large.nodes <= small.nodes) throw new RangeError('a slope needs a larger graph');
  if (large.samples.length !== small.samples.length) throw new RangeError('a slope needs both ends of each round');
  return large.samples.map((value, round) => (value - (small.samples[round] ?? 0)) / (large.nodes - small.nodes));
}

/** Samples taken on a graph of so many nodes. */
export interface Sized {
  readonly nodes: number;
  readonly samples: readonly number[];
}

/**
 * Takes samples of several sides in turn, A B A B …, so that whatever else the machine does hits all of them alike. Each side gives
 * one measurement; what it has to prepare is not part of it.
 */
export async function inTurn<Side extends string>(
  sides: Readonly<Record<Side, () => number | Promise<number>>>,
  rounds: { readonly count: number; readonly warmUp: number },
): Promise<Record<Side, number[]>> {
  const names = Object.keys(sides) as Side[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Side, number[]>;
  for (let round = -rounds.warmUp; round < rounds.count; round++) {
    for (const name of names) {
      const value = await sides[name]();
      if (round >= 0) samples[name].push(value);
    }
  }
  return samples;
}
