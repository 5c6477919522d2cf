/** Work on many things, a few at a time. */

/** Results in the order of `items`; the first failure ends it. */
export async function each<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let isOver = false;
  async function worker(): Promise<void> {
    while (next < items.length && !isOver) {
      const at = next++;
      const item = items[at];
      if (item !== undefined) results[at] = await work(item);
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  } finally {
    isOver = true;
  }
  return results;
}
