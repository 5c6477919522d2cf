/** Time that passes when a test says so. */
import type { Timer } from '../../src/index.ts';

/** Callbacks by when they are due, in milliseconds from the start. */
export class HandTimer implements Timer {
  #now = 0;
  #due: { at: number; run: () => void }[] = [];

  get pending(): number {
    return this.#due.length;
  }

  after(ms: number, run: () => void): () => void {
    const one = { at: this.#now + ms, run };
    this.#due.push(one);
    return () => {
      this.#due = this.#due.filter((other) => other !== one);
    };
  }

  pass(ms: number): void {
    this.#now += ms;
    const due = this.#due.filter(({ at }) => at <= this.#now).toSorted((a, b) => a.at - b.at);
    this.#due = this.#due.filter(({ at }) => at > this.#now);
    for (const { run } of due) run();
  }

  /** Lets time pass until nobody waits for it any more. */
  async passAll(): Promise<void> {
    for (let idle = 0; idle < 3;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#due.length === 0) idle += 1;
      else this.pass(Math.max(0, Math.min(...this.#due.map(({ at }) => at)) - this.#now));
    }
  }
}
