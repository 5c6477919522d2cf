/** Stores as a plugin brings them: where state, history and the lock are kept. */
import type { OptionsSchema } from './options.ts';
import type { Store } from './state.ts';

/** What a store is opened with. */
export interface StorePlace {
  /** The project's data folder, absolute; it is there. */
  readonly dir: string;
  /** Environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A new random id, such as for the lineage. */
  readonly randomId: () => string;
}

/** One kind of store. */
export interface StoreKind<Options = never> {
  readonly options: OptionsSchema<Options>;
  /** Opens the state, and makes an empty one where there is none. Rejects with a `BuildFailure` where it cannot be had. */
  open(options: Options, place: StorePlace): Promise<Store>;
}
