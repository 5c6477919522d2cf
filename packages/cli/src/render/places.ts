/** Files and places as people read them: relative to where they stand, so that terminals and editors can jump there. */
import { relative } from 'node:path';
import type { Where } from '@rebake/sdk';

/** The shorter way to a file: relative where it is below, else the whole path. */
export function nearest(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === '' || path.startsWith('..') ? file : path;
}

/** `file:line`. */
export function lineOf({ file, line }: Where, cwd: string): string {
  return `${nearest(file, cwd)}:${line}`;
}

/** What is added to a place where the thing itself stands somewhere else. */
export function fromSource({ source }: Where): string {
  return source === undefined ? '' : `, from the source ${source}`;
}
