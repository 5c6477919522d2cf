/** What is wrong with an archive or a layer that came from elsewhere, as one kind of failure. */
import { BuildFailure } from '@rebake/image';

/** An archive that cannot be used. `archive` and `entry` are for people; an entry's name may hold anything, so it is quoted. */
export function invalid(archive: string, words: string, entry?: string, cause?: unknown): BuildFailure {
  const at = entry === undefined ? archive : `${archive}: ${quote(entry)}`;
  return failure('ARCHIVE_INVALID', `${at}: ${words}`, cause);
}

/** A failure that stays one however often it is tried. */
export function failure(code: string, words: string, cause?: unknown): BuildFailure {
  return new BuildFailure({ code, retry: 'never', words }, cause === undefined ? {} : { cause });
}

/** A name from outside, so that it cannot disturb a terminal, and is not endless. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
