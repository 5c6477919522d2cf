/** What goes wrong at an engine, in one vocabulary of codes, with the engine's own words. */
import { BuildFailure } from '@rebake/image';
import type { BuildError } from '@rebake/image';
import { printable } from './printable.ts';

const MAX_WORDS = 16_384;

/** A failure with a code; words from outside are bounded and cannot drive a terminal. */
export function failure(code: string, retry: BuildError['retry'], words: string, cause?: unknown): BuildFailure {
  return new BuildFailure({ code, retry, words: readable(words) }, { cause });
}

function readable(text: string): string {
  const clean = printable(text).trim();
  // The end says why; the beginning says what.
  return clean.length > MAX_WORDS ? `${clean.slice(0, 1_024)}\n…\n${clean.slice(1_024 - MAX_WORDS)}` : clean;
}

/** Connections that a second try does not mend: no permission, or TLS that does not fit. */
const HOPELESS =
  /^(EACCES|EPERM|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_|ERR_SSL_|EPROTO$|HOSTNAME_MISMATCH$)/;

/** An error of a request to the engine's API, as a failure. What is none (the signal's reason, a bug) comes back as it is. */
export function engineFailure(error: unknown, host: string): unknown {
  if (!(error instanceof Error) || error instanceof BuildFailure) return error;
  if ('statusCode' in error && typeof error.statusCode === 'number') {
    const words = apiWords(error);
    if (isFull(words)) return engineFull(words, error);
    // 5xx is also how Docker says that a request makes no sense to it.
    return failure('ENGINE_REFUSED', 'never', words, error);
  }
  // Happy eyeballs wraps one error an address in an aggregate without a message.
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  if (!('code' in first) || typeof first.code !== 'string') return error;
  const hint = first.code === 'EACCES' ? ' (may this user use the engine?)' : '';
  return failure(
    'ENGINE_UNREACHABLE',
    HOPELESS.test(first.code) ? 'never' : 'backoff',
    `${host}: ${first.message}${hint}`,
    error,
  );
}

/** The engine's message inside of dockerode's error. */
export function apiWords(error: Error): string {
  const body: unknown = 'json' in error ? error.json : null;
  if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string')
    return body.message;
  return error.message;
}

/** Whether words speak of a full disk. */
export function isFull(words: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(words);
}

/** The failure of a full disk: another engine may have room. */
export function engineFull(words: string, cause?: unknown): BuildFailure {
  return failure('ENGINE_FULL', 'elsewhere', `the engine's disk is full: ${words}`, cause);
}

/** What the engine says about a registry (while it pulls or pushes), as a failure; null where it is about something else. */
export function registryFailure(words: string, cause?: unknown): BuildFailure | null {
  if (isFull(words)) return engineFull(words, cause);
  const kind = REGISTRY_WORDS.find(([pattern]) => pattern.test(words));
  return kind ? failure(kind[1], kind[2], words, cause) : null;
}

const REGISTRY_WORDS: readonly (readonly [RegExp, string, BuildError['retry']])[] = [
  [
    /unauthorized|authentication required|authorization failed|no basic auth|denied|forbidden|status: 40[13]/i,
    'REGISTRY_DENIED',
    'never',
  ],
  [/x509:|tls: |server gave HTTP response to HTTPS client|certificate/i, 'REGISTRY_TLS', 'never'],
  [/toomanyrequests|too many requests|status: 429/i, 'REGISTRY_BUSY', 'backoff'],
  [
    /manifest unknown|manifest for .* not found|repository .*not found|name unknown|: not found|unexpected status .*: 404/i,
    'REGISTRY_NOT_FOUND',
    'never',
  ],
  [
    /connection refused|connection reset|no such host|i\/o timeout|timeout exceeded|deadline exceeded|no route to host|network is unreachable|unexpected EOF|: EOF|status: 5\d\d|unexpected status .*: 5\d\d|server misbehaving/i,
    'REGISTRY_UNREACHABLE',
    'backoff',
  ],
];
