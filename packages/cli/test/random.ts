/** Chance that can be played again. */

/** Numbers that follow from a seed. */
export interface Random {
  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number;
}

/** Mulberry32: small, and good enough to choose moments by. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { below: (bound) => Math.floor(next() * bound) };
}
