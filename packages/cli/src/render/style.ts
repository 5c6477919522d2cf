/** Colours and small words that all reporters share. */
import { styleText } from 'node:util';
import type { Digest, Effort } from '@rebake/sdk';

type Format = Parameters<typeof styleText>[0];

/** Paints text, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string;

/** A painter for a stream that wants colours or does not. */
export function painter(colors: boolean): Paint {
  // The decision is made once, by the caller; node's own look at the stream would be a second opinion.
  return colors ? (format, text) => styleText(format, text, { validateStream: false }) : (_format, text) => text;
}

/** The first twelve hex digits, as engines show image IDs. */
export function shortDigest(digest: Digest): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}

/** Milliseconds for people: `0.4s`, `12s`, `3m05s`, `1h02m`. */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}

/** A moment for people: `2026-01-31 12:00:00Z`. */
export function moment(at: string): string {
  return at.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

/** How a failure is introduced: beside a last success, or where there never was one. */
export function failedWords(entry: object | null): string {
  return entry === null ? 'failed' : 'failed since';
}

/** Somebody else's words, set off from ours. */
export function quoted(words: string): readonly string[] {
  return words
    .trimEnd()
    .split('\n')
    .map((line) => `  │ ${line}`);
}

/** `1 image`, `2 images`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

const EFFORT_STYLE: Readonly<Record<Effort, { readonly sign: string; readonly format: Format }>> = {
  keep: { sign: ' ', format: 'dim' },
  adopt: { sign: '=', format: 'cyan' },
  fetch: { sign: '<', format: 'cyan' },
  rebase: { sign: '~', format: 'yellow' },
  build: { sign: '+', format: 'green' },
  publish: { sign: '>', format: 'magenta' },
  forget: { sign: '-', format: 'dim' },
  delete: { sign: '-', format: 'red' },
};

/** One-character sign and colour of an effort. */
export function effortStyle(effort: Effort): { readonly sign: string; readonly format: Format } {
  return EFFORT_STYLE[effort];
}
