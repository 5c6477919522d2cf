/** The nearest names to a mistyped one. */

/** Farther away than this share of its letters, a name is no suggestion. */
const MAX_SHARE = 0.5;

/** Number of letters to insert, delete, replace, or swap with their neighbour to make one text of the other; gives up above `limit`. */
export function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((old[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (old[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] && i > 1 && j > 1)
        best = Math.min(best, (older[j - 2] ?? 0) + 1);
      row.push(best);
    }
    if (Math.min(...row) > limit) return limit + 1;
    older = old;
    old = row;
  }
  return old[b.length] ?? limit + 1;
}

/** Up to `count` of `items` whose names are nearest to `typed`, nearest first, in their own order where equally near. */
export function nearest<T>(
  typed: string,
  items: readonly T[],
  nameOf: (item: T) => string,
  count: number,
): readonly T[] {
  const limit = Math.max(1, Math.floor(typed.length * MAX_SHARE));
  return items
    .map((item) => ({ item, far: distance(typed, nameOf(item), limit) }))
    .filter(({ far }) => far <= limit)
    .toSorted((a, b) => a.far - b.far)
    .slice(0, count)
    .map(({ item }) => item);
}
