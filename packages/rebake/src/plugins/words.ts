/** What a plugin threw, in words for people. */
import { BuildFailure } from '@rebake/sdk';

const LONGEST = 2_000;

/** The words of a failure, or the message of whatever else was thrown; never empty, never endless. */
export function wordsOf(error: unknown): string {
  const trimmed = textOf(error).trim();
  return trimmed === '' ? 'it did not say why' : trimmed.length > LONGEST ? `${trimmed.slice(0, LONGEST)}…` : trimmed;
}

/** Anything can be thrown, and its members can lie. */
function textOf(error: unknown): string {
  try {
    const { words } = error instanceof BuildFailure ? (error.error as { readonly words?: unknown }) : {};
    const text: unknown = words ?? (error instanceof Error ? error.message : (error ?? ''));
    return typeof text === 'string' ? text : (JSON.stringify(text) ?? '');
  } catch {
    return '';
  }
}
