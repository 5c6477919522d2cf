/** Tries again what passes: with pauses that grow, or those that the other side asks for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildFailure } from '@rebake/image';

/** Tries in a row that bring nothing new. */
const TRIES = 5;
/** Tries in all, of one that brings a little each time. */
const MOST_TRIES = 50;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Longer than this nobody waits because a server says so, in milliseconds. */
const LONGEST_ASKED_MS = 120_000;

/** Waits; tests hand in their own. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export const realPause: Pause = async (ms, signal) => sleep(ms, undefined, { signal });

/** A failure that may pass, and when to come back, in milliseconds; null: nobody said. */
export class Passing extends Error {
  readonly failure: BuildFailure;
  readonly afterMs: number | null;
  constructor(failure: BuildFailure, afterMs: number | null = null) {
    super(failure.message);
    this.failure = failure;
    this.afterMs = afterMs;
  }
}

/** `work` says by `progress` that something new has come. Rejects with the last failure. */
export async function withRetries<T>(
  work: (progress: () => void) => Promise<T>,
  { pause, signal }: { readonly pause: Pause; readonly signal: AbortSignal },
): Promise<T> {
  let inVain = 0;
  for (let tries = 1; ; tries++) {
    let isNew = false;
    try {
      return await work(() => (isNew = true));
    } catch (error) {
      signal.throwIfAborted();
      const passing = passingOf(error);
      if (passing === null) throw error;
      inVain = isNew ? 1 : inVain + 1;
      const after = passing.afterMs;
      if (inVain >= TRIES || tries >= MOST_TRIES || (after ?? 0) > LONGEST_ASKED_MS) throw passing.failure;
      await pause(after ?? pauseAfter(inVain), signal);
    }
  }
}

function passingOf(error: unknown): Passing | null {
  if (error instanceof Passing) return error;
  return error instanceof BuildFailure && error.error.retry === 'backoff' ? new Passing(error) : null;
}

/** Random, so that those who were refused together do not come back together. */
function pauseAfter(inVain: number): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (inVain - 1));
  return Math.round(full * (0.5 + Math.random() / 2));
}

/** `Retry-After`: seconds or a date, as milliseconds from `now`. Null: there is none that can be understood. */
export function retryAfter(value: string | undefined, now: number): number | null {
  if (value === undefined) return null;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
