/** Calls of plugins with an end: what hangs is left to itself, and what ends in the middle of an interruption is interrupted. */
import type { Timer } from '@rebake/engine';

/** How a call is bounded. */
export interface Bounds {
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly timer: Timer;
}

/** A plugin that took too long. */
export class TooLate extends Error {}

/** Calls with a signal of its own, which is aborted with the outer one and after `ms` milliseconds. Late answers are answers of nobody. */
export async function inTime<T>(
  ms: number,
  { signal, timer }: Bounds,
  work: (signal: AbortSignal) => Promise<T> | T,
): Promise<T> {
  signal.throwIfAborted();
  const own = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    own.abort(reason);
    ended.reject(reason);
  };
  const interrupt = (): void => end(signal.reason);
  signal.addEventListener('abort', interrupt, { once: true });
  const cancel = timer.after(ms, () => end(new TooLate(`it took longer than ${ms / 1000} seconds`)));
  try {
    return await Promise.race([Promise.resolve(own.signal).then(work), ended.promise]);
  } finally {
    cancel();
    signal.removeEventListener('abort', interrupt);
  }
}
