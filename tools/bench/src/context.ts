// What a builder is called with outside of a run.
import type { Ctx } from '@rebake/sdk';

/** A context for any number of calls, of a user without logins. */
export function context(scratch: string): Ctx {
  return {
    signal: new AbortController().signal,
    scratch,
    emit: () => {},
    secret: async () => null,
    credentials: async () => null,
    registry: (host) => ({ host }),
    now: Date.now,
  };
}
