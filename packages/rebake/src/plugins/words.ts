/** What a plugin threw, in words for people. */
import { BuildFailure } from '@rebake/sdk';

const LONGEST = 2_000;

/** The words of a failure, or the message of whatever else was thrown; never empty, never endless. */
export function wordsOf(error: unknown): string {
  const { words } = error instanceof BuildFailure ? ((error.error ?? {}) as { readonly words?: unknown }) : {};
  const text = typeof words === 'string' ? words : error instanceof Error ? String(error.message) : String(error);
  const trimmed = text.trim();
  return trimmed === '' ? 'it did not say why' : trimmed.length > LONGEST ? `${trimmed.slice(0, LONGEST)}…` : trimmed;
}
