/** Compares the codes in the sources with the tables that the reference is made from, both ways. */
import { DIAGNOSTIC_KINDS } from '@rebake/model';
import { LIBRARY_DIAGNOSTICS } from '@rebake/rebake';
import { FAILURES } from './build-errors.ts';
import { scanCodes } from './code-scan.ts';
import { NO_CODES } from './no-codes.ts';
import { CAUSES } from './reasons.ts';

/** What is wrong, one line each; none when every code has a row and every row of a failure a code. */
export function checkCodes(root: string): readonly string[] {
  const failures = new Set(FAILURES.flatMap(({ rows }) => rows.map(({ code }) => code)));
  const known = new Set<string>([
    ...failures,
    ...NO_CODES,
    ...Object.keys(CAUSES),
    ...[...DIAGNOSTIC_KINDS, ...LIBRARY_DIAGNOSTICS].map(({ code }) => code),
  ]);
  const found = scanCodes(root);
  const seen = new Set(found.map(({ code }) => code));
  return [
    ...found
      .filter(({ code }) => !known.has(code))
      .map(({ code, at }) => `${at}: ${code} has no row in tools/docs/src/build-errors.ts`),
    ...[...failures, ...NO_CODES]
      .filter((code) => !seen.has(code))
      .map((code) => `${code} is in a table of tools/docs/src and in no source`),
  ];
}
