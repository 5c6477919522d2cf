/** Trying again where it can help: only what says so itself (`retry: 'backoff'`), a few times, waiting longer each time. */
import { BuildFailure } from '@rebake/sdk';
import type { BuildError } from '@rebake/sdk';
import { wait } from './timer.ts';
import type { Timer } from './timer.ts';

/** Milliseconds before each further attempt. */
export const BACKOFF_MS: readonly number[] = [1_000, 4_000, 16_000];

/** Runs `work`, again after a failure that says `backoff`, at most `BACKOFF_MS.length` times more. */
export async function retrying<T>(
  options: {
    readonly signal: AbortSignal;
    readonly timer: Timer;
    /** Told before each wait; attempts count from 1, the failed one is named. */
    onRetry(attempt: number, error: BuildError, inMs: number): void;
  },
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const inMs = BACKOFF_MS[attempt - 1];
      const again = error instanceof BuildFailure && error.error.retry === 'backoff' && !options.signal.aborted;
      if (!again || inMs === undefined) throw error;
      options.onRetry(attempt, error.error, inMs);
      await wait(inMs, options.timer, options.signal);
    }
  }
}
