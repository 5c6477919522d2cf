/** Names of images that several builds may want to give at once. */
import type { Ctx } from '@rebake/sdk';
import { Turns } from '@rebake/sdk/building';
import type { Held } from '@rebake/sdk/building';
import type { Store } from './store/store.ts';

/** The names of one store, given by one builder. */
export class Names {
  readonly #store: Store;
  readonly #turns = new Turns();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Gives an image its candidate name and returns the image that has it. `before`: what had the name when the build began. If another build
   * gave the name to its image meanwhile, that one stays: what was found under a name once never becomes another image.
   */
  async settle(name: string, held: Held, before: Held | null, ctx: Ctx): Promise<Held> {
    return this.#turns.take(name, async () => {
      const now = await this.#store.look(name, ctx);
      if (now && now.top !== before?.top) {
        if (now.identity !== held.identity)
          ctx.emit({
            type: 'log',
            text: `rebake: ${name} is ${now.identity} already, and stays it: ${held.identity} is left aside`,
          });
        return now;
      }
      if (now?.top !== held.top) await this.#store.keep(name, held, ctx);
      return held;
    });
  }
}
