/** Why a build failed: whose fault it is, in the words of whoever knows best. */
import type { BuildFailure } from '@rebake/image';
import type { BuildProgress, FailedStep } from './progress.ts';
import { ConnectionLost, GrpcCode, GrpcError } from './status.ts';
import { engineFailure, engineFull, failure, isFull, registryFailure } from '@rebake/sdk/building';

/** What is known of a failed build besides the error that its call ended with. */
export interface Circumstances {
  /** What first went wrong on our side, while the engine asked for files, secrets or logins. */
  readonly fault: unknown;
  readonly progress: BuildProgress;
  /** The engine's address, for people. */
  readonly host: string;
}

/** The failure to report. Bugs come back as they are. */
export function buildFailure(error: unknown, { fault, progress, host }: Circumstances): unknown {
  if (fault !== undefined) return fault;
  if (error instanceof ConnectionLost)
    return failure('ENGINE_LOST', 'backoff', `lost the connection to ${host}: ${error.message}`, error);
  if (!(error instanceof GrpcError)) return engineFailure(error, host);
  // Nobody on this side cancelled: the engine is going down, or it lost us.
  const isGone =
    error.code === GrpcCode.cancelled ||
    error.code === GrpcCode.unavailable ||
    /no active session|context canceled$/.test(error.message);
  const step = progress.failed(error.details.vertex);
  if (!step)
    return isGone
      ? failure('ENGINE_LOST', 'backoff', `${host} gave the build up: ${error.message}`, error)
      : refusal(error.message, error);
  const exitCode = exitCodeOf(error, step);
  if (exitCode === null)
    return isGone
      ? failure('ENGINE_LOST', 'backoff', `${host} gave the build up: ${error.message}`, error)
      : refusal(`${step.name}: ${step.error || error.message}`, error);
  // A process that the kernel killed has no words of its own.
  const hint = exitCode === 137 ? ' (killed, probably for want of memory)' : '';
  const words = [`${step.name}: exit code ${exitCode}${hint}`, ...step.lastLines].join('\n');
  if (isFull(words)) return engineFull(words, error);
  return failure('STEP_FAILED', 'never', words, error);
}

/** A build that failed without a process of it failing. */
function refusal(words: string, cause: unknown): BuildFailure {
  return registryFailure(words, cause) ?? failure('BUILD_REFUSED', 'never', words, cause);
}

function exitCodeOf(error: GrpcError, step: FailedStep): number | null {
  if (error.details.exitCode !== undefined) return error.details.exitCode;
  const match = /exit code: (\d+)/.exec(step.error) ?? /exit code: (\d+)/.exec(error.message);
  return match ? Number(match[1]) : null;
}
