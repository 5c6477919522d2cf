/** Rows of the tables of failures. */

/** One code of a failure. */
export interface FailureRow {
  readonly code: string;
  readonly means: string;
  readonly help: string;
}

/** A group of rows under one heading. */
export interface FailureGroup {
  readonly title: string;
  readonly rows: readonly FailureRow[];
}

/** Makes a row. */
export const row = (code: string, means: string, help: string): FailureRow => ({ code, means, help });
