/** What goes wrong at a registry, in one vocabulary: connection errors and answers become a `BuildError` with the registry's own words. */
import { BuildFailure, type BuildError, type Seen } from '../types.ts';
import type { InvalidDocument } from '../oci/checks.ts';
import type { Answer } from './transport.ts';

const MAX_ERROR_BYTES = 64 << 10;
const MAX_WORDS = 2_000;

/** Failures of the TLS handshake that no second try mends. */
const TLS_CODE = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_|ERR_SSL_|EPROTO$|HOSTNAME_MISMATCH$)/;

/** A failed connection, as a failure. What is neither is a bug (or the signal's reason) and is thrown on as it is. */
export function connectionFailure(error: unknown, host: string): unknown {
  if (error instanceof BuildFailure || !(error instanceof Error)) return error;
  // Happy eyeballs wraps one error an address in an aggregate without a message.
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const code = 'code' in first && typeof first.code === 'string' ? first.code : undefined;
  if (code === undefined) return error;
  const words = `${host}: ${readable(first.message)}`;
  if (TLS_CODE.test(code)) {
    const hint = /wrong version number|packet length too long/i.test(first.message)
      ? '; it seems to speak plain HTTP'
      : '; if a private authority signed its certificate, name that with `ca`';
    return new BuildFailure({ code: 'REGISTRY_TLS', retry: 'never', words: `${words}${hint}` }, { cause: error });
  }
  return new BuildFailure({ code: 'REGISTRY_UNREACHABLE', retry: 'backoff', words }, { cause: error });
}

/** An answer that is not what was hoped for, as a failure; reads the rest of the answer. `what`: the request, for people. */
export async function answerFailure(answer: Answer, what: string): Promise<BuildFailure> {
  const words = `${what}: HTTP ${answer.status}${await registryWords(answer)}`;
  return new BuildFailure({ ...kindOf(answer.status), words });
}

function kindOf(status: number): Omit<BuildError, 'words'> {
  if (status === 401 || status === 403) return { code: 'REGISTRY_DENIED', retry: 'never' };
  if (status === 404) return { code: 'REGISTRY_NOT_FOUND', retry: 'never' };
  if (status === 429) return { code: 'REGISTRY_BUSY', retry: 'backoff' };
  if (status >= 500) return { code: 'REGISTRY_UNREACHABLE', retry: 'backoff' };
  return { code: 'REGISTRY_REFUSED', retry: 'never' };
}

/** `: CODE: message` of each error in the body, as the distribution spec has it; else the beginning of a plain text. */
async function registryWords(answer: Answer): Promise<string> {
  let text: string;
  try {
    text = (await answer.bytes(MAX_ERROR_BYTES)).toString('utf8');
  } catch {
    return '';
  }
  const words = listed(text) ?? (/^\s*[<{[]/.test(text) ? '' : text);
  const clean = readable(words);
  return clean === '' ? '' : `: ${clean}`;
}

function listed(text: string): string | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null) return null;
  if ('errors' in body && Array.isArray(body.errors)) {
    const all = body.errors.map((error: unknown) => {
      if (typeof error !== 'object' || error === null) return '';
      const { code, message } = error as Record<string, unknown>;
      return [code, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
    });
    return all.filter((one) => one !== '').join('; ');
  }
  // Token servers: OAuth 2 says `error` and `error_description`, others `details` or `message`.
  const { error, error_description: description, details, message } = body as Record<string, unknown>;
  return [error, description, details, message].filter((part) => typeof part === 'string').join(': ');
}

/** Words from outside, fit for a terminal and a log: no control characters, bounded. */
function readable(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_WORDS);
}

/** Content that is not what its digest or its kind says. */
export function corrupt(host: string, error: InvalidDocument): BuildFailure {
  return new BuildFailure(
    { code: 'REGISTRY_CORRUPT', retry: 'never', words: `${host}: ${error.message}` },
    { cause: error },
  );
}

/** Runs a look at the world: null is no, a failure is unknown. Aborts and bugs reject. */
export async function observe<T>(look: () => Promise<T | null>): Promise<Seen<T>> {
  try {
    const value = await look();
    return value === null ? { seen: 'no' } : { seen: 'yes', value };
  } catch (error) {
    if (error instanceof BuildFailure) return { seen: 'unknown', why: error.error };
    throw error;
  }
}
