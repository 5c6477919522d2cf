/** Chance by a seed: the same seed makes the same instance on every machine. */

/** Draws of one seed. */
export interface Chance {
  /** Whether something with this probability happens. */
  happens(probability: number): boolean;
  /** Whole number from 0 up to, not including, `end`. */
  below(end: number): number;
  pick<T>(from: readonly T[]): T;
}

/** A chance of its own for a seed and a purpose, so that more draws for one thing change nothing else. */
export function chanceOf(seed: number, purpose: string): Chance {
  let state = seed >>> 0;
  for (const unit of purpose) state = Math.imul(state ^ (unit.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  // mulberry32: small, and good enough for test data.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    happens: (probability) => next() < probability,
    pick: (from) => {
      const found = from[below(from.length)];
      if (found === undefined) throw new RangeError('nothing to pick from');
      return found;
    },
  };
}
