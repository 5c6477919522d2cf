/** Time that passes when a test says so. */
import type { Timer } from '@rebake/engine';

/** Callbacks by when they are due, in milliseconds from the start. */
export class HandTimer implements Timer {
  #now = 0;
  #due: { readonly at: number; readonly run: () => void }[] = [];

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

  /** Lets time pass, once everything that was begun waits for it. */
  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#now += ms;
    const due = this.#due.filter(({ at }) => at <= this.#now);
    this.#due = this.#due.filter(({ at }) => at > this.#now);
    for (const { run } of due) run();
  }
}
