/** Output as goldens keep it: digests numbered by their first appearance, so that a golden tells which are the same and outlives changes of contents. */

/** Whatever looks like (the beginning of) a digest. */
const HEX = /(?<![0-9a-f])[0-9a-f]{12,64}(?![0-9a-f])/g;

/** Gives each digest a number, as wide as engines show image IDs. A longer one ends in `…`. */
export function readable(text: string): string {
  const numbers = new Map<string, string>();
  return text.replaceAll(HEX, (hex) => {
    const short = hex.slice(0, 12);
    const number = numbers.get(short) ?? String(numbers.size + 1).padStart(12, '0');
    numbers.set(short, number);
    return hex.length === 12 ? number : `${number}…`;
  });
}
