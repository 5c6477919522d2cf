/** One build from beginning to end: its session, its run, and a failure in the vocabulary of builders. */
import type { Daemon } from './daemon.ts';
import type { BuildProgress } from './progress.ts';
import type { Offer } from './session.ts';
import type { BuildRequest } from './solve.ts';

/** A build and all that it may ask for. */
export interface BuildRun {
  readonly build: BuildRequest;
  readonly offer: Offer;
  readonly progress: BuildProgress;
  /** The daemon's address, for people. */
  readonly host: string;
}

/**
 * Runs a build; resolves with what the exporters answered. Builds of one daemon that offer the same files under the same shared key send
 * them once, side by side as well as one after the other. Rejects with the signal's reason when aborted, else with a `BuildFailure` (bugs
 * as they are).
 */
export function runBuild(
  _daemon: Daemon,
  _run: BuildRun,
  _signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  return Promise.reject(new Error('under way'));
}
