/** Codes of what the rules of DSS and the expansion can find. One row a line: code, severity, what it means, what to do. */
import type { KindRow } from './diagnostic-codes.ts';

// oxfmt-ignore
export const RULE_ROWS = [] as const satisfies readonly KindRow[];
