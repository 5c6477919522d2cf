/** One build from beginning to end: its session, its run, and a failure in the vocabulary of builders. */
import { failure } from '@rebake/sdk/building';
import { buildFailure } from './build-failure.ts';
import { connectFailure } from './connect-failure.ts';
import type { Seat } from './context-sharing.ts';
import type { Daemon } from './daemon.ts';
import type { BuildProgress } from './progress.ts';
import { startSession } from './session.ts';
import type { Offer } from './session.ts';
import { solve } from './solve.ts';
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
export async function runBuild(
  daemon: Daemon,
  { build, offer, progress, host }: BuildRun,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  signal.throwIfAborted();
  const seat = await takeSeat(daemon, build, offer, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw connectFailure(error, host);
  });
  try {
    const attributes = { ...build.attributes, ...seat.attributes };
    const answer = await solve(daemon.channel, { ...build, attributes, session: seat.session.id }, signal, (status) =>
      progress.take(status),
    );
    progress.end();
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    progress.end();
    throw buildFailure(error, { fault: seat.fault(), progress, host });
  } finally {
    seat.leave();
  }
}

async function takeSeat(daemon: Daemon, build: BuildRequest, offer: Offer, signal: AbortSignal): Promise<Seat> {
  if ('exporters' in build && build.exporters.length > 1) await checkSeveralExporters(daemon, signal);
  return daemon.contexts.take(await startSession(daemon.openSession, offer, signal), offer);
}

/** A daemon from before 0.13 would do the first one and say nothing. */
async function checkSeveralExporters(daemon: Daemon, signal: AbortSignal): Promise<void> {
  const { version } = await daemon.info(signal);
  const minor = /^v?0\.(\d+)\./.exec(version)?.[1];
  // A build from sources calls itself 0.0.0.
  if (version !== '' && (minor === undefined || minor === '0' || Number(minor) >= 13)) return;
  const words = `a build with several exporters needs BuildKit 0.13, and this is ${version === '' ? 'an older one' : version}`;
  throw failure('ENGINE_UNSUPPORTED', 'never', words);
}
