/** Why a daemon cannot be spoken to, in words. */
import { BuildFailure } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { connectFailure } from '../src/connect-failure.ts';
import { ConnectionLost, GrpcCode, GrpcError } from '../src/status.ts';

const host = 'tcp://builder:1234';
const coded = (code: string, message = 'words of Node') => Object.assign(new Error(message), { code });

describe('a connection that cannot be', () => {
  it.each([
    [coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'never', /it wants a client certificate \(ERR_SSL/],
    [coded('ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED'), 'never', /client certificate, which has expired/],
    [coded('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'never', /it does not know who signed it/],
    [coded('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE'), 'never', /it refuses the client certificate \(/],
    [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'never', /it does not speak TLS there/],
    [coded('EPROTO', 'internal error'), 'never', /TLS failed: internal error/],
    [coded('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed'), 'never', /certificate is not to be trusted: self-signed$/],
    [coded('CERT_HAS_EXPIRED'), 'never', /certificate is not to be trusted/],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'never', /certificate is not to be trusted/],
    [new ConnectionLost('it ended', { cause: coded('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA') }), 'never', /who signed it/],
    [new ConnectionLost('Protocol error', { cause: coded('ERR_HTTP2_ERROR') }), 'never', /does it want TLS\?/],
    [
      new ConnectionLost('it has not answered for 8 s'),
      'backoff',
      /^tcp:\/\/builder:1234: it has not answered for 8 s$/,
    ],
    [coded('ECONNREFUSED'), 'backoff', /words of Node/],
    [coded('EACCES'), 'never', /may this user use the engine\?/],
  ] as const)('%o', (error, retry, words) => {
    const failure = connectFailure(error, host) as BuildFailure;
    expect(failure.error).toMatchObject({ code: 'ENGINE_UNREACHABLE', retry });
    expect(failure.error.words).toMatch(words);
    expect(failure.cause).toBe(error);
  });
});

describe('a server that answers', () => {
  it('without knowing what BuildKit is, is none', () => {
    expect(connectFailure(new GrpcError(GrpcCode.unimplemented, 'unknown service'), host)).toMatchObject({
      error: { code: 'ENGINE_UNSUPPORTED', retry: 'never', words: `${host} is no BuildKit daemon: unknown service` },
    });
  });

  it('with a no, has refused', () => {
    expect(connectFailure(new GrpcError(GrpcCode.unavailable, 'going down'), host)).toMatchObject({
      error: { code: 'ENGINE_REFUSED', retry: 'backoff' },
    });
    expect(connectFailure(new GrpcError(GrpcCode.permissionDenied, 'no'), host)).toMatchObject({
      error: { code: 'ENGINE_REFUSED', retry: 'never' },
    });
  });
});

it('what is a failure already, or none at all, stays as it is', () => {
  const failure = new BuildFailure({ code: 'ENGINE_UNSUPPORTED', retry: 'never', words: 'x' });
  const bug = new TypeError('x is not a function');
  for (const error of [failure, bug, 'text', undefined]) expect(connectFailure(error, host)).toBe(error);
});
