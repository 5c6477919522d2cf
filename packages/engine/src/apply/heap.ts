/** A binary heap: the greatest first, and among equals the one put in first. */

/** A priority queue of items with numeric priorities. */
export class Heap<T> {
  readonly #items: { readonly priority: number; readonly seq: number; readonly item: T }[] = [];
  #seq = 0;

  get size(): number {
    return this.#items.length;
  }

  /** Priority of the first item, or null. */
  get top(): number | null {
    return this.#items[0]?.priority ?? null;
  }

  push(priority: number, item: T): void {
    const items = this.#items;
    items.push({ priority, seq: this.#seq++, item });
    for (let i = items.length - 1; i > 0;) {
      const up = (i - 1) >> 1;
      if (!this.#before(i, up)) return;
      this.#swap(i, up);
      i = up;
    }
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined) return undefined;
    if (items.length === 0) return first.item;
    items[0] = last;
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      const right = left + 1;
      let best = i;
      if (left < items.length && this.#before(left, best)) best = left;
      if (right < items.length && this.#before(right, best)) best = right;
      if (best === i) return first.item;
      this.#swap(i, best);
      i = best;
    }
  }

  #before(i: number, j: number): boolean {
    const a = this.#items[i];
    const b = this.#items[j];
    if (!a || !b) return false;
    return a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority;
  }

  #swap(i: number, j: number): void {
    const a = this.#items[i];
    const b = this.#items[j];
    if (!a || !b) return;
    this.#items[i] = b;
    this.#items[j] = a;
  }
}
