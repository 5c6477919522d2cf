/** Why a build failed, from what Podman says at its end. */
import type { BuildFailure } from '@rebake/image';
import { engineFull, failure, isFull, registryFailure } from '@rebake/sdk/building';
import type { Version } from './answers.ts';
import type { BuildLog } from './build-log.ts';

/** What is known of a failed build besides the words that it ended with. */
export interface Circumstances {
  readonly log: Pick<BuildLog, 'step' | 'lastLines'>;
  readonly dockerfile: string;
  readonly version: Version;
  /** The service's address, for people. */
  readonly host: string;
}

/** Version of Podman that first knew heredocs. */
const HEREDOCS = { major: 4, minor: 8 };
const HEREDOC = /^\s*(?:RUN|COPY|ADD)\s.*<<-?["']?\w/im;

/** The failure for the words of Podman. */
export function buildFailure(said: string, { log, dockerfile, version, host }: Circumstances): BuildFailure {
  // Of an instruction that it does not know, Podman shows its insides.
  const words = said.replace(/ &imagebuilder\.Step\{.*/s, '').trim();
  const exit = /while running runtime: exit status (\d+)$/.exec(words);
  if (exit) return stepFailure(Number(exit[1]), log);
  if (isFull(words)) return engineFull(words);
  if (words.endsWith('context canceled'))
    return failure('ENGINE_LOST', 'backoff', `${host} gave the build up: ${words}`);
  if (/Unknown instruction/.test(words) && HEREDOC.test(dockerfile) && isBefore(version, HEREDOCS)) {
    const known = `${HEREDOCS.major}.${HEREDOCS.minor}`;
    const why = `Podman ${version.text} does not know heredocs (<<) in a Dockerfile; Podman ${known} does`;
    return failure('STEP_UNSUPPORTED', 'elsewhere', `${why}: ${words}`);
  }
  return registryFailure(words) ?? failure('BUILD_REFUSED', 'never', words);
}

function stepFailure(code: number, { step, lastLines }: Circumstances['log']): BuildFailure {
  // A process that the kernel killed has no words of its own; Podman counts its end as 1 and says so.
  const isKilled = code === 137 || lastLines.at(-1) === 'container exited on killed';
  const hint = isKilled ? ' (killed, probably for want of memory)' : '';
  const words = [`${step}: exit code ${code}${hint}`, ...lastLines].join('\n');
  return isFull(words) ? engineFull(words) : failure('STEP_FAILED', 'never', words);
}

function isBefore(version: Version, other: Pick<Version, 'major' | 'minor'>): boolean {
  return version.major < other.major || (version.major === other.major && version.minor < other.minor);
}
