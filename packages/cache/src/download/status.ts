/** What an answer that brings nothing means: come back later, or never. */
import { STATUS_CODES } from 'node:http';
import { Passing, retryAfter } from './retry.ts';
import type { Answer } from './transport.ts';
import { downloadFailed, downloadRefused } from './words.ts';

const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The failure for a status that is none of the good ones. */
export function statusFailure(url: URL, answer: Pick<Answer, 'status' | 'header' | 'loggedIn'>): Error {
  const { status, header, loggedIn } = answer;
  const words = `${status} ${STATUS_CODES[status] ?? ''}`.trim();
  if (PASSING.has(status)) {
    return new Passing(downloadFailed(url, words, { retry: 'backoff' }), retryAfter(header('retry-after'), Date.now()));
  }
  if (status !== 401 && status !== 403) return downloadRefused(url, words);
  return downloadRefused(
    url,
    loggedIn ? `${words}: the login for it is not accepted` : `${words}: no login for it is known`,
  );
}
