// Rows as a table for people: on the terminal, and as Markdown between markers of docs/benchmarks.md.
import type { Row, Side, Unit } from './bench.ts';
import { machineText, type Machine } from './machine.ts';
import { median, range } from './statistics.ts';

/** Rows of one benchmark. */
export interface BenchResult {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** Zero: no time. */
const UNITS_A_SECOND: Readonly<Record<Unit, number>> = { ms: 1_000, µs: 1_000_000, MB: 0, MiB: 0 };

const HEADERS = ['measured', 'rebake', 'beside it', '', 'compared', 'bar'] as const;

/** A figure with three digits that count. */
export function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** What the figures of a row come to, in words; empty where there is nothing to compare. */
export function comparison({ ours, peer, compare, unit }: Row): string {
  if (compare === null) return '';
  const own = median(ours.samples);
  const other = peer === null ? null : median(peer.samples);
  switch (compare.by) {
    case 'times':
      return other === null ? '' : `${figure(own / other)} ×`;
    case 'difference':
      return other === null
        ? ''
        : `${own < other ? '−' : '+'}${figure(Math.abs(own - other) / compare.per)} ${unit} ${compare.of}`;
    case 'rate':
      return `${figure((compare.count * UNITS_A_SECOND[unit]) / own)} ${compare.of}`;
    default:
      return compare satisfies never;
  }
}

/** The table for a terminal. */
export function table(results: readonly BenchResult[]): string {
  const lines = results.flatMap(({ name, rows }) => rows.map((row) => [`${name}: ${row.what}`, ...cells(row)]));
  const all = [[...HEADERS], ...lines];
  const widths = HEADERS.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return all
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The section of one benchmark in the document: a table, and where and when it was taken. */
export function markdown({ rows }: BenchResult, facts: Machine): string {
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(HEADERS),
    line(HEADERS.map(() => '---')),
    ...rows.map((row) => line([row.what, ...cells(row)])),
    '',
    `${machineText(facts)}. ${counts(rows)}`,
  ].join('\n');
}

/** The document with the sections of these results in place of the old ones. Throws when a benchmark has no section. */
export function record(document: string, results: readonly BenchResult[], facts: Machine): string {
  return results.reduce((text, result) => {
    const [begin, end] = [`<!-- measured:${result.name} -->`, `<!-- /measured:${result.name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no ${begin} … ${end}`);
    return `${text.slice(0, from + begin.length)}\n${markdown(result, facts)}\n${text.slice(to)}`;
  }, document);
}

function cells(row: Row): readonly string[] {
  const { ours, peer, unit, bar } = row;
  return [
    sampleText(ours, unit),
    peer === null ? '' : sampleText(peer, unit),
    peer?.what ?? '',
    comparison(row),
    bar ?? '',
  ];
}

function sampleText({ samples }: Side, unit: Unit): string {
  const [low, high] = range(samples);
  return samples.length === 1
    ? `${figure(low)} ${unit}`
    : `${figure(median(samples))} ${unit} (${figure(low)} – ${figure(high)})`;
}

/** How often was measured. Sizes and counts come out the same each time, and are taken once. */
function counts(rows: readonly Row[]): string {
  const runs = rows.flatMap(({ ours }) => (ours.samples.length === 1 ? [] : [ours.samples.length]));
  if (runs.length === 0) return 'Measured once.';
  const [low, high] = range(runs);
  return `Median (smallest – largest) of ${low === high ? low : `${low} to ${high}`} runs.`;
}
