/** The matrix for programs and spreadsheets. */
import { cellWords, envName, type Matrix } from './matrix.ts';

/** JSON of `matrix --json`. */
export function matrixJson(matrix: Matrix): string {
  const words = cellWords(matrix);
  const rows = matrix.rows.map(({ env, language, cells }) => ({
    env,
    language,
    cells: cells.map((cell) => ({
      config: cell.config,
      status: cell.status,
      why: words(cell),
      reasons: cell.action?.reasons ?? [],
      identity: cell.identity,
      since: cell.since,
    })),
  }));
  return `${JSON.stringify({ formatVersion: 1, configs: matrix.configs, rows })}\n`;
}

/** One line a cell, RFC 4180. */
export function matrixCsv(matrix: Matrix): string {
  const words = cellWords(matrix);
  const lines = matrix.rows.flatMap((row) =>
    row.cells.map((cell) => [
      envName(row),
      row.language ?? '',
      cell.config,
      cell.status,
      words(cell),
      cell.identity ?? '',
      cell.since ?? '',
    ]),
  );
  const head = ['code env', 'language', 'container config', 'status', 'why', 'identity', 'since'];
  return [head, ...lines].map((line) => `${line.map(csvField).join(',')}\r\n`).join('');
}

/** A spreadsheet takes what begins like a formula for one, wherever it comes from. */
function csvField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
