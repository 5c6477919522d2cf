/** The matrix for people: a table where it fits, else a list; then every cell that is not as it should be, with its reason. */
import { shortNames, type CellStatus, type MatrixCell, type MatrixResult, type MatrixRow } from '@rebake/rebake';
import type { NodeId } from '@rebake/sdk';
import type { Io } from '../io.ts';
import { reasonsLine, type ReasonContext } from './reasons.ts';
import { count, painter, type Paint } from './style.ts';

export type Matrix = NonNullable<MatrixResult['matrix']>;

/** In the order in which they are counted. */
export const STATUSES: readonly CellStatus[] = [
  'current',
  'stale',
  'may change',
  'missing',
  'unpublished',
  'failed',
  'never',
  'unfit',
  'unknown',
  'not selected',
];

const COLOURS: Readonly<Record<CellStatus, Parameters<Paint>[0]>> = {
  current: 'green',
  stale: 'yellow',
  'may change': 'yellow',
  missing: 'yellow',
  unpublished: 'yellow',
  failed: 'red',
  never: 'red',
  unfit: 'dim',
  unknown: 'red',
  'not selected': 'dim',
};

/** What nobody has to be told of. */
const QUIET: ReadonlySet<CellStatus> = new Set(['current', 'not selected']);
const COLUMNS = 80;

/** What a run without a code env is called. */
export function envName({ env }: MatrixRow): string {
  return env ?? '(no code env)';
}

/** Why a cell is as it is, in one line; empty where there is nothing to say. */
export function cellWords(matrix: Matrix): (cell: MatrixCell) => string {
  const actions = new Map(matrix.planned?.plan.actions.map((action) => [action.node, action]));
  const names = shortNames([...actions.keys()]);
  const context: ReasonContext = {
    name: (id: NodeId) => names.get(id) ?? id,
    reasons: (id) => actions.get(id)?.reasons ?? [],
  };
  return ({ words, action }) => {
    if (words !== null) return words.split('\n').find((line) => line.trim() !== '') ?? '';
    return action === null ? '' : reasonsLine(action, context);
  };
}

/** How many cells there are of each status. */
export function cellCounts({ rows }: Matrix): ReadonlyMap<CellStatus, number> {
  const all = rows.flatMap(({ cells }) => cells.map(({ status }) => status));
  return new Map(STATUSES.map((status) => [status, all.filter((one) => one === status).length]));
}

/** The whole matrix as text. */
export function matrixText(matrix: Matrix, io: Pick<Io, 'colors' | 'terminal'>): string {
  const paint = painter(io.colors);
  const words = cellWords(matrix);
  const table = tableLines(matrix, paint);
  const width = Math.max(0, ...tableLines(matrix, (_format, text) => text).map((line) => line.length));
  const fits = width <= (io.terminal?.columns ?? COLUMNS);
  const counts = [...cellCounts(matrix)].filter(([, n]) => n > 0).map(([status, n]) => `${n} ${status}`);
  const parts = [
    fits ? table : [],
    whyLines(matrix, words, paint),
    [
      `${count(matrix.rows.length, 'row')} × ${count(matrix.configs.length, 'container config')}: ${counts.join(', ')}.`,
    ],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function tableLines({ configs, rows }: Matrix, paint: Paint): readonly string[] {
  const first = Math.max(...rows.map((row) => envName(row).length), 0);
  const widths = configs.map((config, at) =>
    Math.max(config.length, ...rows.map(({ cells }) => cells[at]?.status.length ?? 0)),
  );
  const head = ['', ...configs].map((text, at) => text.padEnd(at === 0 ? first : (widths[at - 1] ?? 0)));
  const lines = rows.map((row) => {
    const cells = row.cells.map(({ status }, at) => paint(COLOURS[status], status.padEnd(widths[at] ?? 0)));
    return [envName(row).padEnd(first), ...cells].join('  ').trimEnd();
  });
  return [paint('bold', head.join('  ').trimEnd()), ...lines];
}

/** One line a reason and env: configs that share it stand together. */
function whyLines({ rows }: Matrix, words: (cell: MatrixCell) => string, paint: Paint): readonly string[] {
  return rows.flatMap((row) => {
    const told = row.cells.filter(({ status }) => !QUIET.has(status));
    const groups = Map.groupBy(told, (cell) => `${cell.status}\n${words(cell)}`);
    return [...groups.values()].map((cells) => {
      const [cell] = cells;
      if (cell === undefined) return '';
      const why = words(cell);
      const where = cells.map(({ config }) => config).join(', ');
      return `${envName(row)} on ${where}: ${paint(COLOURS[cell.status], cell.status)}${why === '' ? '' : `: ${why}`}`;
    });
  });
}
