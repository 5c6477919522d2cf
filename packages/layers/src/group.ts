/** Putting many small parts into few layers, so that a new part moves as few others as can be. */
import { hash } from 'node:crypto';
import { compareBytes } from '@rebake/image';

/** From here on a part is worth a layer of its own, in bytes. */
const LARGE_BYTES = 8 << 20;
/** Small parts share at most so many layers; fewer where few are allowed. */
const MOST_SHARED = 16;

/**
 * Groups of parts, at most `most` and none empty; in each the parts are sorted by key, and a group depends on nothing but the parts in it. Large
 * parts are alone; where there are more of those than places, the smallest of them are treated as small ones. Which of the shared groups a
 * small part is in is decided by its key alone. So one part more or less moves no other, but for the one large part whose place it takes or
 * leaves. Groups of large parts come first: what changes seldom lies below what changes often.
 *
 * `key` should stay when a part's version changes. Two parts of one key are in one group. Throws a `RangeError` for less than one group.
 */
export function groupParts<T extends { readonly size: number; readonly key: string }>(
  parts: readonly T[],
  most: number,
): readonly (readonly T[])[] {
  if (!Number.isSafeInteger(most) || most < 1) throw new RangeError(`${most} groups`);
  const shared = Math.min(MOST_SHARED, Math.ceil(most / 3));
  const byKey = new Map<string, T[]>();
  for (const part of parts) {
    const same = byKey.get(part.key);
    if (same === undefined) byKey.set(part.key, [part]);
    else same.push(part);
  }
  const all = [...byKey].map(([key, same]) => ({ key, same, size: same.reduce((sum, { size }) => sum + size, 0) }));
  const large = all
    .filter(({ size }) => size >= LARGE_BYTES)
    .toSorted((a, b) => b.size - a.size || compareBytes(a.key, b.key))
    .slice(0, most - shared);
  const alone = new Set(large);
  const buckets = Array.from({ length: shared }, (): typeof all => []);
  for (const one of all) if (!alone.has(one)) buckets[bucketOf(one.key, shared)]?.push(one);
  return [...large.toSorted((a, b) => compareBytes(a.key, b.key)).map((one) => [one]), ...buckets]
    .filter((group) => group.length > 0)
    .map((group) => group.toSorted((a, b) => compareBytes(a.key, b.key)).flatMap(({ same }) => same));
}

function bucketOf(key: string, buckets: number): number {
  return Number.parseInt(hash('sha256', key, 'hex').slice(0, 12), 16) % buckets;
}
