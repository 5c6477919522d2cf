/** A builder whose code is loaded by the first call: a run that needs no engine never pays for its libraries. */
import type { Builder } from '../builder.ts';

/** A builder that is made by `load` when it is first called. One that never was closes without loading anything. */
export function lazyBuilder(load: () => Promise<Builder>): Builder {
  let loaded: Promise<Builder> | undefined;
  const builder = () => (loaded ??= load());
  return {
    probe: async (...args) => (await builder()).probe(...args),
    build: async (...args) => (await builder()).build(...args),
    fetch: async (...args) => (await builder()).fetch(...args),
    push: async (...args) => (await builder()).push(...args),
    tag: async (...args) => (await builder()).tag(...args),
    inspect: async (...args) => (await builder()).inspect(...args),
    remove: async (...args) => (await builder()).remove(...args),
    close: async () => (await loaded)?.close(),
  };
}
