/** Layers on their way to where the image will be published, while others are still made. */
import type { Cache } from '@rebake/cache';
import { createSlots, type RepositoryAt } from '@rebake/image';
import type { Layer } from '@rebake/layers';
import type { Registries, Use } from '@rebake/sdk/building';

/** Uploads at once, of all builds of a builder. */
const AT_ONCE = 4;

/** Sends ahead; what goes wrong is found again, and said, when the image is pushed. */
export interface Ahead {
  send(layer: Layer, to: RepositoryAt, use: Use): void;
  /** Ends what is on its way. */
  close(): Promise<void>;
}

export function createAhead(cache: Cache, registries: Registries): Ahead {
  const slots = createSlots(AT_ONCE);
  const ended = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    send({ digest, size }, to, use) {
      // A build that was aborted is not going to be published; one that has ended well is.
      const signal = AbortSignal.any([ended.signal, use.signal]);
      const sending = slots
        .use(async () => registries.client(use).sendBlob(cache, { digest, size }, to, { signal }), signal)
        .catch(() => undefined)
        .finally(() => running.delete(sending));
      running.add(sending);
    },
    async close() {
      ended.abort(new Error('the builder was closed'));
      await Promise.all(running);
    },
  };
}
