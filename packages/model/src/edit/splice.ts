/** Edits as splices of a text: everything that is not spliced stays byte for byte. And their diff, for people. */

/** Replaces the characters from `start` to `end`. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies splices that do not overlap. */
export function spliced(text: string, splices: readonly Splice[]): string {
  let result = text;
  for (const { start, end, text: put } of splices.toSorted((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + put + result.slice(end);
  }
  return result;
}

/** Lines shown before and after a change. */
const CONTEXT = 2;

/** A unified diff of two texts that differ at one place or a few near ones; empty when they are equal. `name` is shown as the file. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return '';
  const old = before.replace(/\n$/, '').split('\n');
  const now = after.replace(/\n$/, '').split('\n');
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < now.length - head &&
    old[old.length - 1 - tail] === now[now.length - 1 - tail]
  )
    tail++;
  const start = Math.max(head - CONTEXT, 0);
  const oldEnd = Math.min(old.length - tail + CONTEXT, old.length);
  const nowEnd = Math.min(now.length - tail + CONTEXT, now.length);
  const lines = [
    `--- ${name}`,
    `+++ ${name}`,
    `@@ -${start + 1},${oldEnd - start} +${start + 1},${nowEnd - start} @@`,
    ...old.slice(start, head).map((line) => ` ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
    ...now.slice(now.length - tail, nowEnd).map((line) => ` ${line}`),
  ];
  return `${lines.map((line) => line.replace(/\r$/, '')).join('\n')}\n`;
}
