/** Which daemon a build goes to. Pure: what daemons there are, which are up and what runs where is told to it, and it decides. */
import type { Digest, Platform } from '@rebake/image';

/** What a build asks for. */
export interface Want {
  readonly platform: Platform;
  /** Images that it stands on: where they are in the daemon's cache, nothing has to be brought. */
  readonly on: readonly Digest[];
  /** Daemons, by index, that it was tried on. */
  readonly not: ReadonlySet<number>;
}

/** What became of a build that waits: it goes to a daemon, or (null) none that is up will ever take it. */
export interface Decision<T> {
  readonly build: T;
  readonly endpoint: number | null;
}

interface Endpoint {
  readonly parallel: number;
  /** Null while it is down. */
  platforms: readonly Platform[] | null;
  running: number;
  /** Images in its cache, the oldest first. */
  readonly warm: Set<Digest>;
}

/** Images that are remembered for each daemon; a fleet has fewer. */
const REMEMBERED = 4_096;

/**
 * Hands builds to daemons. A build goes to a daemon that is up, builds for its platform and has room: one where what it stands on is warm,
 * else the one with the smallest part of its room in use, else the first. Builds that find no room wait, and go in the order in which they
 * came, so that none is left behind; room that some build could use is never left empty.
 */
export class Chooser<T> {
  readonly #endpoints: readonly Endpoint[];
  readonly #waiting = new Map<T, Want>();
  readonly #placed = new Map<T, number>();

  /** `parallel`: builds at once, for each daemon. All are down at first. */
  constructor(parallel: readonly number[]) {
    this.#endpoints = parallel.map((bound) => ({ parallel: bound, platforms: null, running: 0, warm: new Set() }));
  }

  /** A daemon answers, and builds for these. */
  up(endpoint: number, platforms: readonly Platform[]): void {
    this.#at(endpoint).platforms = platforms;
  }

  /** A daemon does not answer any more. What runs there has to be taken out by {@link leave}; what is in its cache is not known any more. */
  down(endpoint: number): void {
    const lost = this.#at(endpoint);
    lost.platforms = null;
    lost.warm.clear();
  }

  isUp(endpoint: number): boolean {
    return this.#at(endpoint).platforms !== null;
  }

  /** A daemon has an image in its cache. */
  warm(endpoint: number, image: Digest): void {
    const { warm } = this.#at(endpoint);
    warm.delete(image);
    warm.add(image);
    const [oldest] = warm;
    if (warm.size > REMEMBERED && oldest !== undefined) warm.delete(oldest);
  }

  /** A build comes; {@link decide} says where it goes. */
  enter(build: T, want: Want): void {
    this.#waiting.set(build, want);
  }

  /** A build has ended, or waits no more. */
  leave(build: T): void {
    this.#waiting.delete(build);
    const endpoint = this.#placed.get(build);
    if (endpoint === undefined) return;
    this.#placed.delete(build);
    this.#at(endpoint).running -= 1;
  }

  /** All that can be decided now. To be asked after each change. */
  decide(): readonly Decision<T>[] {
    const decisions: Decision<T>[] = [];
    for (const [build, want] of this.#waiting) {
      const able = this.#able(want);
      const endpoint = able.length === 0 ? null : this.#choose(want, able);
      if (endpoint === undefined) continue;
      this.#waiting.delete(build);
      if (endpoint !== null) {
        this.#placed.set(build, endpoint);
        this.#at(endpoint).running += 1;
      }
      decisions.push({ build, endpoint });
    }
    return decisions;
  }

  #able({ platform, not }: Want): number[] {
    return [...this.#endpoints.keys()].filter(
      (index) => !not.has(index) && this.#at(index).platforms?.includes(platform) === true,
    );
  }

  #choose({ on }: Want, able: readonly number[]): number | undefined {
    const roomy = able.filter((index) => this.#at(index).running < this.#at(index).parallel);
    const warm = roomy.filter((index) => on.some((image) => this.#at(index).warm.has(image)));
    const load = (index: number): number => this.#at(index).running / this.#at(index).parallel;
    const [best] = (warm.length > 0 ? warm : roomy).toSorted((a, b) => load(a) - load(b));
    return best;
  }

  #at(index: number): Endpoint {
    const endpoint = this.#endpoints[index];
    if (!endpoint) throw new Error(`there is no daemon ${index}`);
    return endpoint;
  }
}
