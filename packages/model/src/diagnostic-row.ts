/** What a row of the tables of diagnostic codes is. */

/** A row: code, severity, what it means, what to do. */
export type KindRow = readonly [code: string, severity: 'error' | 'warning', means: string, help: string];
