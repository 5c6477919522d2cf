/** Where a file of a package is, on the user's own index (PEP 503, PEP 691). */
import { cleanWords, withoutLogin } from '../words.ts';
import { BuildFailure } from '@rebake/image';
import type { Downloader } from '@rebake/cache';

/** Pages of large packages have some megabytes. */
const MAX_PAGE = 64 * 1024 * 1024;
const ACCEPT = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/** Address of a file by its name; null: none of the indexes has it. Asks them in turn. */
export async function findOnIndex(
  indexes: readonly string[],
  project: string,
  fileName: string,
  download: Downloader,
  signal: AbortSignal,
): Promise<string | null> {
  const failures: string[] = [];
  for (const index of indexes) {
    const page = new URL(`${project}/`, index.endsWith('/') ? index : `${index}/`);
    page.username = '';
    page.password = '';
    try {
      const bytes = await download.document(page.href, { maxBytes: MAX_PAGE, signal, headers: { accept: ACCEPT } });
      const found = bytes === null ? null : linkOn(Buffer.from(bytes).toString('utf8'), page, fileName);
      if (found !== null) return found;
    } catch (error) {
      if (!(error instanceof BuildFailure) || signal.aborted) throw error;
      failures.push(`${withoutLogin(index)}: ${error.error.words}`);
    }
  }
  if (failures.length === 0) return null;
  throw new BuildFailure({ code: 'DOWNLOAD_FAILED', retry: 'backoff', words: cleanWords(failures.join('\n')) });
}

/** The link to a file on a page, JSON or HTML. */
export function linkOn(page: string, at: URL, fileName: string): string | null {
  const href = page.trimStart().startsWith('{') ? jsonLink(page, fileName) : htmlLink(page, fileName);
  const url = href === null ? null : URL.parse(href, at.href);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  url.hash = '';
  return url.href;
}

function jsonLink(page: string, fileName: string): string | null {
  try {
    const { files } = JSON.parse(page) as { files?: unknown };
    if (!Array.isArray(files)) return null;
    const found = (files as readonly { filename?: unknown; url?: unknown }[]).find(
      ({ filename }) => filename === fileName,
    );
    return typeof found?.url === 'string' ? found.url : null;
  } catch {
    return null;
  }
}

function htmlLink(page: string, fileName: string): string | null {
  for (const [, double, single, words = ''] of page.matchAll(
    /<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')[^>]*>([^<]*)<\/a>/gi,
  ))
    if (words.trim() === fileName) return (double ?? single ?? '').replaceAll('&amp;', '&');
  return null;
}
