/** Time as something injected: deadlines and waits that a test can let pass. */
import { BuildFailure } from '@rebake/sdk';

/** Calls back after a while; the result cancels it. */
export interface Timer {
  /** `ms` in milliseconds. */
  after(ms: number, run: () => void): () => void;
}

/** The real one. */
export const systemTimer: Timer = {
  after(ms, run) {
    const handle = setTimeout(run, ms);
    return () => clearTimeout(handle);
  },
};

/** How long something aborted may take to end before it is left to itself, in milliseconds. */
export const GRACE_MS = 30_000;

/**
 * Runs `work` under a signal of its own that is aborted with `parent` and after `ms` (null: never). A late one ends in a
 * `TIMEOUT`; one that ignores its abort is left to itself after {@link GRACE_MS}, so that no plugin can hang a run.
 */
export async function withDeadline<T>(
  options: { readonly parent: AbortSignal; readonly ms: number | null; readonly timer: Timer; readonly what: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { parent, ms, timer, what } = options;
  parent.throwIfAborted();
  const own = new AbortController();
  const ended = Promise.withResolvers<never>();
  const cancels: (() => void)[] = [];
  const stop = (reason: unknown): void => {
    own.abort(reason);
    cancels.push(timer.after(GRACE_MS, () => ended.reject(reason)));
  };
  const onAbort = (): void => stop(parent.reason);
  parent.addEventListener('abort', onAbort, { once: true });
  const late = new BuildFailure({
    code: 'TIMEOUT',
    retry: 'never',
    words: `${what} took longer than ${ms} ms and was stopped`,
  });
  if (ms !== null) cancels.push(timer.after(ms, () => stop(late)));
  try {
    return await Promise.race([work(own.signal), ended.promise]);
  } catch (error) {
    // What a builder says about having been stopped is not the cause.
    if (own.signal.aborted) throw own.signal.reason;
    throw error;
  } finally {
    parent.removeEventListener('abort', onAbort);
    for (const cancel of cancels) cancel();
  }
}

/** Waits `ms` milliseconds, or rejects with the signal's reason. */
export function wait(ms: number, timer: Timer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = timer.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
