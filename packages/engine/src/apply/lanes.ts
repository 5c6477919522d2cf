/** The ready queue: longest remaining path first, within the bound of the run and the bounds of the builders. */
import type { Capabilities, Seen } from '@rebake/sdk';
import type { BuilderPool } from '../run/builders.ts';
import { Heap } from './heap.ts';

/** How much may run side by side. */
export interface Limits {
  /** Everything together. */
  readonly parallelism: number;
  /** Builds and fetches of one builder, by its name; a builder that is not named has no bound of its own. */
  readonly lanes: ReadonlyMap<string, number>;
}

/** Builds of a builder of which neither the declaration nor the builder itself says how many it runs. */
export const DEFAULT_PARALLEL = 4;

/** Bounds of builders: what is declared goes before what the builder says of itself, and that before the default. */
export function lanesOf(
  builders: BuilderPool,
  capabilities: ReadonlyMap<string, Seen<Capabilities>>,
): ReadonlyMap<string, number> {
  return new Map(
    [...builders].map(([name, { parallel }]) => {
      const seen = capabilities.get(name);
      const said = seen?.seen === 'yes' ? seen.value.parallel : undefined;
      return [name, parallel ?? said ?? DEFAULT_PARALLEL];
    }),
  );
}

/** Items that are ready, each in a lane (a builder's name) or in none. */
export class Lanes<T> {
  readonly #limits: Limits;
  readonly #heaps = new Map<string | null, Heap<T>>();
  readonly #busy = new Map<string | null, number>();
  #running = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#running;
  }

  push(lane: string | null, priority: number, item: T): void {
    let heap = this.#heaps.get(lane);
    if (!heap) this.#heaps.set(lane, (heap = new Heap()));
    heap.push(priority, item);
  }

  /**
   * Takes the first item that may start and that `wanted` still wants, and counts it as running; unwanted ones are dropped. `held`: only items
   * in no lane.
   */
  take(wanted: (item: T) => boolean, held = false): T | null {
    while (this.#running < this.#limits.parallelism) {
      const lane = this.#best(held);
      if (lane === undefined) return null;
      const item = this.#heaps.get(lane)?.pop();
      if (item === undefined || !wanted(item)) continue;
      this.#running += 1;
      this.#busy.set(lane, (this.#busy.get(lane) ?? 0) + 1);
      return item;
    }
    return null;
  }

  /** Gives back the place of an item that was taken. */
  free(lane: string | null): void {
    this.#running -= 1;
    this.#busy.set(lane, (this.#busy.get(lane) ?? 0) - 1);
  }

  #best(held: boolean): string | null | undefined {
    let best: { readonly lane: string | null; readonly priority: number } | undefined;
    for (const [lane, heap] of this.#heaps) {
      const bound = lane === null ? Infinity : (this.#limits.lanes.get(lane) ?? Infinity);
      if (held && lane !== null) continue;
      if (heap.top === null || (this.#busy.get(lane) ?? 0) >= bound) continue;
      if (!best || heap.top > best.priority) best = { lane, priority: heap.top };
    }
    return best?.lane;
  }
}
