/**
 * A lock may hold thousands of files, and a TOML parser takes each apart letter by letter. Those that are written as uv writes them are read by
 * one regular expression instead and stand in the text by number: a third of the time for the largest locks.
 */
import type { Table } from './pylock-files.ts';

/** A text with numbers in place of files, and what a value of it means. */
export interface Shorthand {
  readonly text: string;
  /** The table that a value stands for, or the value itself. */
  readonly expand: (value: unknown) => unknown;
}

const FILE =
  /\{ (?:name = "([^"\n]*)", )?url = "([^"\n]*)"(?:, upload-time = [0-9TZ:.+-]+)?(?:, size = (\d{1,15}))?, hashes = \{ sha256 = "([0-9a-f]{64})" \} \}/g;

/** Texts in which letters may mean something else than themselves are left as they are. */
const ESCAPES = /\\|"""|'''/;

/** Abbreviates a text. A value that some file of the text has is never taken for a number. */
export function abbreviate(text: string): Shorthand {
  let mark = '#';
  while (text.includes(`"${mark}`) || text.includes(`'${mark}`)) mark += '#';
  if (ESCAPES.test(text)) return { text, expand: (value) => value };
  const files: Table[] = [];
  const short = text.replace(
    FILE,
    (_, name: string | undefined, url: string, size: string | undefined, sha256: string) => {
      files.push({ name, url, size: size === undefined ? undefined : Number(size), hashes: { sha256 } });
      return `"${mark}${files.length - 1}"`;
    },
  );
  return {
    text: short,
    expand: (value) =>
      typeof value === 'string' && value.startsWith(mark) ? (files[Number(value.slice(mark.length))] ?? value) : value,
  };
}
