/** What downloads say when they fail: addresses without logins or tokens, the other side's own words, and what to do. */
import { fileURLToPath } from 'node:url';
import { BuildFailure, type BuildError } from '@rebake/image';

/** An address for people. What may be secret in one, the login and the query, is left out. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

export function downloadFailed(
  url: URL,
  words: string,
  options: { retry?: BuildError['retry']; cause?: unknown } = {},
): BuildFailure {
  const { retry = 'never', cause } = options;
  const error = { code: 'DOWNLOAD_FAILED', retry, words: `${shownUrl(url)}: ${words}` };
  return new BuildFailure(error, cause === undefined ? {} : { cause });
}

export function downloadRefused(url: URL, words: string): BuildFailure {
  return new BuildFailure({ code: 'DOWNLOAD_REFUSED', retry: 'never', words: `${shownUrl(url)}: ${words}` });
}

export function blobMismatch(url: URL, name: string, words: string): BuildFailure {
  return new BuildFailure({
    code: 'BLOB_MISMATCH',
    retry: 'never',
    words: `${shownUrl(url)} is not ${name} as it is expected: ${words}`,
  });
}

/** An address from outside; only the schemes that rebake speaks. */
export function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && ['http:', 'https:', 'file:'].includes(url.protocol)) return url;
  const shown = url === null ? JSON.stringify(text.slice(0, 200)) : shownUrl(url);
  const words = `${shown}: only http, https and file addresses can be fetched from`;
  throw new BuildFailure({ code: 'DOWNLOAD_REFUSED', retry: 'never', words });
}

/** Path of a `file:` address; what names no file of this machine is refused. */
export function filePath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw downloadRefused(url, error instanceof Error ? error.message : String(error));
  }
}
