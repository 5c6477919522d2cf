/** Diagnostics: what a user can cause ends in one of these, never in a stack trace. Collected, not thrown one at a time. */
import type { Where } from './node.ts';

/** A problem with a stable code, a place and what to do. */
export interface Diagnostic {
  /** Upper snake case, listed in docs/reference/diagnostics.md. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** One sentence, no trailing period, names in backquotes. */
  readonly message: string;
  readonly where: Where | null;
  /** What to do now, one sentence. */
  readonly help: string;
}

/** A row of the table of codes, from which the reference page is made. */
export interface DiagnosticKind {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** What it means, for the reference page. */
  readonly means: string;
  /** What to do, for the reference page. */
  readonly help: string;
}
