/** Sums up what goes, by kind and reason. */
import type { PruneItem, PruneRow } from './types.ts';

/** Largest first. */
export function rowsOf(items: readonly PruneItem[]): readonly PruneRow[] {
  const rows = new Map<string, PruneRow>();
  for (const { kind, why, bytes, isShared, isPart } of items) {
    const key = JSON.stringify([kind, why]);
    const row = rows.get(key) ?? { kind, why, count: 0, bytes: 0, shared: 0 };
    rows.set(key, {
      ...row,
      count: row.count + (isPart ? 0 : 1),
      bytes: row.bytes + (isShared ? 0 : bytes),
      shared: row.shared + (isShared ? 1 : 0),
    });
  }
  return [...rows.values()].toSorted((a, b) => b.bytes - a.bytes || (a.kind < b.kind ? -1 : 1));
}
