/** docs/reference/diagnostics.md, from the tables of codes of the packages. */
import { DIAGNOSTIC_KINDS } from '@rebake/model';
import { LIBRARY_DIAGNOSTICS } from '@rebake/rebake';
import type { DiagnosticKind } from '@rebake/sdk';
import type { FailureRow } from './build-error-row.ts';
import { FAILURES } from './build-errors.ts';
import { code, GENERATED, page, table } from './markdown.ts';

/** The page. */
export function diagnosticsPage(): string {
  return page([
    GENERATED,
    '# Diagnostics and failures',
    [
      'A diagnostic says what is wrong before anything is done, with a place and what to do. A failure happens while rebake works with an engine or a',
      "registry, and carries the engine's own words. Codes are stable: scripts may rely on them. `--json` prints them as fields.",
    ].join('\n'),
    '## Of the declaration',
    'Found by `rebake validate`, and by every other command that reads the declaration. An error stops the command, a warning does not.',
    kinds(DIAGNOSTIC_KINDS),
    '## Of commands and plans',
    'Found when the declaration meets the world, or the command line.',
    kinds(LIBRARY_DIAGNOSTICS),
    '## Failures',
    'Shown beside the node that failed, kept in the state until its next success, and found in `rebake why NODE` and in the log file of the run.',
    ...FAILURES.flatMap(({ title, rows }) => [`### ${title}`, failures(rows)]),
  ]);
}

function kinds(rows: readonly DiagnosticKind[]): string {
  const sorted = rows.toSorted((a, b) => (a.code < b.code ? -1 : 1));
  return table(
    ['code', 'severity', 'what it means', 'what to do'],
    sorted.map((row) => [code(row.code), row.severity, row.means, row.help]),
  );
}

function failures(rows: readonly FailureRow[]): string {
  const sorted = rows.toSorted((a, b) => (a.code < b.code ? -1 : 1));
  return table(
    ['code', 'what it means', 'what to do'],
    sorted.map((row) => [code(row.code), row.means, row.help]),
  );
}
