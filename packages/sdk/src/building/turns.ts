/** One after the other, for what must not happen side by side. */

/** Turns by name. */
export class Turns {
  /** The last of those who wait for a name. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does the work when all who came before for the same name are done, however that ended. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return work();
    })();
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
