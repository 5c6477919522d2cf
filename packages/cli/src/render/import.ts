/** What came of an import, for people and programs. */
import type { ImportDifference, ImportDssResult } from '@rebake/rebake';
import { count } from './style.ts';

/** Longest value that is shown. */
const WIDTH = 60;
/** So many settings of one kind are told in one line. */
const MANY = 3;
const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

/** How it was asked for. */
export interface Told {
  readonly update: boolean;
  readonly dry: boolean;
}

/** For people: differences, what was left out, and what was written. */
export function importText({ written, differences, unmapped, envs }: ImportDssResult, { update, dry }: Told): string {
  const lines = [`Read ${count(envs, 'code env')}.`];
  if (unmapped.length > 0) {
    lines.push('', `${count(unmapped.length, 'setting')} not in the declaration:`);
    lines.push(...unmappedLines(unmapped));
  }
  if (differences.length > 0) {
    lines.push('', `The instance differs from what is there in ${count(differences.length, 'field')}:`);
    for (const one of differences) lines.push(`  ${differenceLine(one)}`);
  }
  if (written.length > 0) {
    const configs = written.at(-1) ?? '';
    const others = written.length - 1;
    const more = others === 0 ? '' : ` and ${count(others, 'other file')}`;
    lines.push('', `${dry ? 'Would write' : 'Written:'} ${configs}${more}`);
  } else {
    const waiting = !update && differences.some(({ byHand }) => !byHand);
    lines.push('', waiting ? 'Nothing was written: --update does.' : 'Nothing to write.');
  }
  return `${lines.join('\n')}\n`;
}

/** What many have alike is one line: a fleet has thousands of settings, and people read a screen. With `--json` all of them are there. */
function unmappedLines(unmapped: ImportDssResult['unmapped']): readonly string[] {
  const groups = Map.groupBy(unmapped, ({ where, why }) => `${sectionOf(where)}\n${fieldOf(where)}\n${why}`);
  return [...groups.values()].flatMap((rows) => {
    const [first] = rows;
    if (first === undefined) return [];
    if (rows.length >= MANY)
      return [`  ${sectionOf(first.where)}, ${rows.length} times ${fieldOf(first.where)}: ${first.why}`];
    return rows.map(({ where, value, why }) => `  ${where}${value === null ? '' : ` = ${shown(value)}`}: ${why}`);
  });
}

function sectionOf(where: string): string {
  return where.slice(0, where.includes('.') ? where.indexOf('.') : where.length);
}

/** Names of code envs may have dots: what is behind `settings` is the field, else the last part. */
function fieldOf(where: string): string {
  const at = where.indexOf('.settings.');
  return at === -1 ? where.slice(where.lastIndexOf('.') + 1) : where.slice(at + '.settings.'.length);
}

function differenceLine({ where, path, kind, before, after, byHand }: ImportDifference): string {
  // Of files only the names: their texts are long.
  const values =
    path.length === 0
      ? ''
      : `: ${[before, after]
          .filter((one) => one !== undefined)
          .map(shown)
          .join(' → ')}`;
  return `${SIGNS[kind]} ${where}${values}${byHand ? ' (edited by hand: stays)' : ''}`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' && !/\p{Cc}/u.test(value) ? value : JSON.stringify(value);
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?');
  return plain.length > WIDTH ? `${plain.slice(0, WIDTH - 1)}…` : plain;
}

/** The same for programs. */
export function importJson(result: ImportDssResult): string {
  const { written, differences, unmapped, envs } = result;
  return `${JSON.stringify({ formatVersion: 1, envs, written, differences, unmapped })}\n`;
}
