/** Words from outside as text that cannot drive a terminal. */
import { stripVTControlCharacters } from 'node:util';

// oxlint-disable-next-line no-control-regex -- control characters are what is removed; line ends and tabs stay
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A text without what could drive a terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(CONTROL, '');
}

/** What a terminal would show of a line in the end: a carriage return starts it again, as progress bars do. */
export function shownLine(line: string): string {
  return printable(line.replace(/\r+$/, '').split('\r').at(-1) ?? '');
}
