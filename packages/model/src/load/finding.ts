/** A problem in the shape of a declaration, before it is known whether it is only an echo of another. */
import type { Diagnostic } from '@rebake/sdk';
import type { KeyPath } from './source.ts';

/** A problem with the place where it is found, so that a repair can be tried there. */
export interface Finding {
  readonly diagnostic: Diagnostic;
  readonly path: KeyPath;
  /** What a misspelt key was most likely meant for: it is missing, and need not be told again. */
  readonly meant?: KeyPath;
}

const SHOWN_MAX = 60;

/** A text of the user in a message, not too long. What is invisible in it is spelt out when the diagnostic is made. */
export function shown(text: string): string {
  return `\`${text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text}\``;
}
