/** Why a build failed: whose fault it is, in the words of whoever knows best. */
import type { BuildFailure } from '@rebake/image';
import { engineFull, failure, isFull, registryFailure } from '@rebake/sdk/building';
import { connectFailure } from './connect-failure.ts';
import type { BuildProgress, FailedStep } from './progress.ts';
import { ConnectionLost, GrpcCode, GrpcError } from './status.ts';

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
  if (!(error instanceof GrpcError)) return connectFailure(error, host);
  // It knows no builds at all.
  if (error.code === GrpcCode.unimplemented) return connectFailure(error, host);
  const step = progress.failed(error.details.vertex);
  const exitCode = step ? exitCodeOf(error, step) : null;
  if (step && exitCode !== null) {
    // A process that the kernel killed has no words of its own.
    const hint = exitCode === 137 ? ' (killed, probably for want of memory)' : '';
    const words = [`${step.name}: exit code ${exitCode}${hint}`, ...step.lastLines].join('\n');
    if (isFull(words)) return engineFull(words, error);
    return failure('STEP_FAILED', 'never', words, error);
  }
  const words = ownWords(error.message);
  if (isGone(error, words)) return failure('ENGINE_LOST', 'backoff', `${host} gave the build up: ${words}`, error);
  return refusal(step ? `${step.name}: ${ownWords(step.error) || words}` : words, error);
}

/** Nobody on this side cancelled: the engine is going down, or it lost us. What a registry did may have the same code, but other words. */
function isGone({ code }: GrpcError, words: string): boolean {
  if (code === GrpcCode.cancelled || /no active session|context canceled$/.test(words)) return true;
  return code === GrpcCode.unavailable && registryFailure(words) === null;
}

/** Without what every failure begins with, by way of the frontend or not. */
function ownWords(message: string): string {
  return message.replace(/^((failed to solve( with frontend [^:]+)?|failed to create LLB definition): )+/, '');
}

/** Words that speak of the user's own files or instructions, though they may sound like a registry's. */
const OWN_FAULT = /: "\/[^"]*": not found$|^dockerfile parse error|^target stage .* could not be found/;

/** A build that failed without a process of it failing. */
function refusal(words: string, cause: unknown): BuildFailure {
  const ofRegistry = OWN_FAULT.test(words) ? null : registryFailure(words, cause);
  return ofRegistry ?? failure('BUILD_REFUSED', 'never', words, cause);
}

function exitCodeOf(error: GrpcError, step: FailedStep): number | null {
  if (error.details.exitCode !== undefined) return error.details.exitCode;
  const match = /exit code: (\d+)/.exec(step.error) ?? /exit code: (\d+)/.exec(error.message);
  return match ? Number(match[1]) : null;
}
