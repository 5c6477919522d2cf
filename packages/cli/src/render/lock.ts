/** Locks for people: a line for each that was made, one count of those that are as they were. */
import type { LockReport, LockResult, PackageChange } from '@rebake/rebake';
import { count, duration, type Paint } from './style.ts';

/** Changes of versions that are named in the line of a lock. */
const NAMED = 3;
/** Lines of changes for one lock where they are all wanted; the rest are counted. */
const LISTED = 40;

/** One lock, as soon as it is done; empty when there is nothing to say about it. `width`: of the longest name. */
export function lockLine(report: LockReport, width: number, paint: Paint): string {
  const { name, outcome, packages, ms } = report;
  const head = name.padEnd(width);
  switch (outcome) {
    case 'current':
    case 'same':
    // What a check finds are diagnostics, with a place.
    case 'missing':
    case 'outdated':
      return '';
    case 'failed':
      return `${paint('red', '✗')} ${head}  not locked  ${paint('dim', duration(ms))}\n`;
    case 'written': {
      const what = report.first ? 'first lock' : changesText(report.changes);
      return `${paint('green', '✓')} ${head}  ${count(packages, 'package')}  ${what}  ${paint('dim', duration(ms))}\n`;
    }
    default:
      return outcome satisfies never;
  }
}

/** `+ 2, ~ 3 (numpy 1.26.4 → 2.0.1 …), - 1`. */
export function changesText(changes: readonly PackageChange[]): string {
  const added = changes.filter(({ from }) => from === null).length;
  const removed = changes.filter(({ to }) => to === null).length;
  const moved = changes.filter(({ from, to }) => from !== null && to !== null);
  const named = moved.slice(0, NAMED).map(({ name, from, to }) => `${name} ${moveText(from, to)}`);
  const more = moved.length > NAMED ? ' …' : '';
  const parts = [
    ...(added > 0 ? [`+ ${added}`] : []),
    ...(moved.length > 0 ? [`~ ${moved.length} (${named.join(', ')}${more})`] : []),
    ...(removed > 0 ? [`- ${removed}`] : []),
  ];
  return parts.length === 0 ? 'the same packages' : parts.join(', ');
}

/** Every change of a lock, a line each: for who is about to approve them. */
export function changesList({ changes }: LockReport, paint: Paint): string {
  const lines = changes.slice(0, LISTED).map(({ name, from, to }) => {
    if (from === null) return `    ${paint('green', '+')} ${name} ${to ?? ''}`;
    if (to === null) return `    ${paint('red', '-')} ${name} ${from}`;
    return `    ${paint('yellow', '~')} ${name} ${moveText(from, to)}`;
  });
  const rest = changes.length - lines.length;
  if (rest > 0) lines.push(`    and ${rest} more`);
  return lines.map((line) => `${line}\n`).join('');
}

function moveText(from: string | null, to: string | null): string {
  return from === to ? `${to ?? ''} (other files)` : `${from ?? ''} → ${to ?? ''}`;
}

/** The last line: what was written, and how many are as they were. */
export function lockSummary({ locks, interrupted }: LockResult, mode: 'write' | 'check'): string {
  const of = (...outcomes: readonly LockReport['outcome'][]): number =>
    locks.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const current = of('current', 'same');
  const parts =
    mode === 'check'
      ? [...said(of('missing'), 'missing'), ...said(of('outdated'), 'outdated')]
      : [...said(of('written'), 'written'), ...said(of('failed'), 'failed')];
  if (interrupted && current === 0 && parts.length === 0) return 'Interrupted: nothing was locked.\n';
  if (current > 0 || parts.length === 0) parts.push(`${current} up to date`);
  const nothing = locks.length === 0 ? 'Nothing here has packages to lock' : null;
  return `${interrupted ? 'Interrupted. ' : ''}${nothing ?? `Locks: ${parts.join(', ')}`}.\n`;
}

function said(n: number, what: string): readonly string[] {
  return n === 0 ? [] : [`${n} ${what}`];
}
