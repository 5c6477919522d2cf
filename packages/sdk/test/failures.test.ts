/** Errors of engines and registries, in one vocabulary. */
import { describe, expect, it } from 'vitest';
import { engineFailure, registryFailure } from '../src/building/failures.ts';

const host = 'unix:///x';

describe('a failed request', () => {
  const system = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

  it.each([
    [system('ECONNREFUSED'), 'ENGINE_UNREACHABLE', 'backoff'],
    [system('ENOENT'), 'ENGINE_UNREACHABLE', 'backoff'],
    [system('EACCES'), 'ENGINE_UNREACHABLE', 'never'],
    [system('CERT_HAS_EXPIRED'), 'ENGINE_UNREACHABLE', 'never'],
    [new AggregateError([system('ECONNREFUSED')]), 'ENGINE_UNREACHABLE', 'backoff'],
    [
      Object.assign(new Error('(HTTP code 400)'), { statusCode: 400, json: { message: 'bad' } }),
      'ENGINE_REFUSED',
      'never',
    ],
    [
      Object.assign(new Error('(HTTP code 500)'), { statusCode: 500, json: { message: 'no space left on device' } }),
      'ENGINE_FULL',
      'elsewhere',
    ],
  ])('%o is %s', (error, code, retry) => {
    expect(engineFailure(error, host)).toMatchObject({ error: { code, retry } });
  });

  it('that is a bug stays one', () => {
    const bug = new TypeError('x is not a function');
    expect(engineFailure(bug, host)).toBe(bug);
  });

  it('has words that cannot drive a terminal', () => {
    const error = Object.assign(new Error('x'), { statusCode: 400, json: { message: '\u001B[31mred\u0007' } });
    expect(engineFailure(error, host)).toMatchObject({ error: { words: 'red' } });
  });
});

describe('words about a registry', () => {
  it.each([
    ['unauthorized: authentication required', 'REGISTRY_DENIED'],
    ['no basic auth credentials', 'REGISTRY_DENIED'],
    ['x509: certificate signed by unknown authority', 'REGISTRY_TLS'],
    ['http: server gave HTTP response to HTTPS client', 'REGISTRY_TLS'],
    ['toomanyrequests: slow down', 'REGISTRY_BUSY'],
    ['manifest unknown: manifest unknown', 'REGISTRY_NOT_FOUND'],
    ['dial tcp: lookup r.example.com: no such host', 'REGISTRY_UNREACHABLE'],
  ])('%s: %s', (words, code) => {
    expect(registryFailure(words)?.error.code).toBe(code);
  });

  it('about something else are not', () => {
    expect(registryFailure('dockerfile parse error')).toBeNull();
  });
});
