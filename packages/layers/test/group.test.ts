/** Grouping: few groups, and a part more or less moves as few others as can be. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { groupParts } from '../src/index.ts';

interface Part {
  readonly key: string;
  readonly size: number;
}

const MB = 1 << 20;
const part = fc.record({
  key: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  size: fc.oneof(fc.nat(8 * MB - 1), fc.integer({ min: 8 * MB, max: 400 * MB })),
});
const parts = fc.uniqueArray(part, { selector: ({ key }) => key, maxLength: 150 });
const most = fc.integer({ min: 1, max: 110 });

/** Which keys a part is together with. */
function companions(groups: readonly (readonly Part[])[]): Map<string, Set<string>> {
  return new Map(
    groups.flatMap((group) => group.map(({ key }) => [key, new Set(group.map((one) => one.key))] as const)),
  );
}

it('puts each part into one group, and makes no more groups than allowed, in whatever order the parts come', () => {
  fc.assert(
    fc.property(parts, most, fc.infiniteStream(fc.nat()), (all, limit, order) => {
      const groups = groupParts(all, limit);
      expect(groups.length).toBeLessThanOrEqual(limit);
      expect(groups.every((group) => group.length > 0)).toBe(true);
      expect(
        groups
          .flat()
          .map(({ key }) => key)
          .toSorted(),
      ).toEqual(all.map(({ key }) => key).toSorted());
      const shuffled = all.map((one) => ({ one, at: order.next().value ?? 0 })).toSorted((a, b) => a.at - b.at);
      expect(
        groupParts(
          shuffled.map(({ one }) => one),
          limit,
        ),
      ).toEqual(groups);
    }),
  );
});

it('moves no other part when one is added or taken away, or one large part where there is no place for it', () => {
  fc.assert(
    fc.property(
      parts.filter((all) => all.length > 0),
      most,
      (all, limit) => {
        const [added, ...others] = all;
        const before = companions(groupParts(others, limit));
        const after = companions(groupParts(all, limit));
        const moved = others.filter(({ key }) => {
          const was = before.get(key)!;
          const is = new Set(after.get(key)!);
          is.delete(added!.key);
          return was.size !== is.size || [...was].some((one) => !is.has(one));
        });
        const large = all.filter(({ size }) => size >= 8 * MB).length;
        const alone = limit - Math.min(16, Math.ceil(limit / 3));
        if (large <= alone) expect(moved).toEqual([]);
        // The one that had to go, and those that it is with now.
        else
          expect(new Set(moved.map(({ key }) => [...after.get(key)!].toSorted().join('\0'))).size).toBeLessThanOrEqual(
            1,
          );
      },
    ),
    { numRuns: 300 },
  );
});

it('leaves large parts alone and puts small ones together', () => {
  const small = Array.from({ length: 100 }, (_, i) => ({ key: `small-${i}`, size: 1000 }));
  const large = ['numpy', 'pandas', 'scipy'].map((key) => ({ key, size: 20 * MB }));
  const groups = groupParts([...small, ...large], 100);
  expect(groups.slice(0, 3)).toEqual(large.map((one) => [one]));
  expect(groups.length).toBe(19);
  // Another size of a small part, as with another version, changes nothing.
  const other = groupParts([...small.map((one) => ({ ...one, size: 2000 })), ...large], 100);
  expect(other.map((group) => group.map(({ key }) => key))).toEqual(groups.map((group) => group.map(({ key }) => key)));
});

it('refuses to make no groups at all', () => {
  expect(() => groupParts([], 0)).toThrow(RangeError);
  expect(groupParts([], 1)).toEqual([]);
});
