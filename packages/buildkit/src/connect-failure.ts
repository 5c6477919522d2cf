/** Why a daemon cannot be reached, or refuses to be spoken to. */
import { BuildFailure } from '@rebake/image';
import { engineFailure, failure } from '@rebake/sdk/building';
import { ConnectionLost, GrpcCode, GrpcError } from './status.ts';

/** Alerts by which a server refuses a client, by what OpenSSL calls them; the first that fits. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/ALERT_CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/, 'it wants a client certificate'],
  [/ALERT_CERTIFICATE_EXPIRED/, 'it refuses the client certificate, which has expired'],
  [/ALERT_UNKNOWN_CA/, 'it refuses the client certificate: it does not know who signed it'],
  [/ALERT_.*CERTIFICATE|ALERT_ACCESS_DENIED|ALERT_DECRYPT_ERROR/, 'it refuses the client certificate'],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/, 'it does not speak TLS there'],
  [/ALERT_(PROTOCOL_VERSION|NO_APPLICATION_PROTOCOL)/, 'it speaks another protocol there'],
];

/** How Node and OpenSSL name a server's certificate that is not to be trusted. */
const DISTRUST = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT|HOSTNAME_MISMATCH$|INVALID_)/;

/**
 * The failure of a connection: `ENGINE_UNREACHABLE`, worth another try unless it is for certificates, permissions or a server that is no
 * BuildKit. What is none (the signal's reason, a bug) comes back as it is.
 */
export function connectFailure(error: unknown, host: string): unknown {
  if (error instanceof BuildFailure) return error;
  const refused = tlsWords(error);
  if (refused !== null) return failure('ENGINE_UNREACHABLE', 'never', `${host}: ${refused}`, error);
  // The frames of HTTP/2 are the first thing that a server of something else gets wrong.
  if (error instanceof Error && codeOf(error) === 'ERR_HTTP2_ERROR') {
    const hint = 'is this BuildKit, and does it want TLS?';
    return failure('ENGINE_UNREACHABLE', 'never', `${host}: ${error.message} (${hint})`, error);
  }
  if (error instanceof ConnectionLost)
    return failure('ENGINE_UNREACHABLE', 'backoff', `${host}: ${error.message}`, error);
  if (error instanceof GrpcError)
    return error.code === GrpcCode.unimplemented
      ? failure('ENGINE_UNSUPPORTED', 'never', `${host} is no BuildKit daemon: ${error.message}`, error)
      : failure('ENGINE_REFUSED', error.code === GrpcCode.unavailable ? 'backoff' : 'never', error.message, error);
  return engineFailure(error, host);
}

function tlsWords(error: unknown): string | null {
  const code = codeOf(error);
  const words = error instanceof Error ? error.message : String(error);
  if (DISTRUST.test(code)) return `its certificate is not to be trusted: ${words.replace(/; if the root CA.*$/, '')}`;
  if (!/^ERR_SSL_|^EPROTO$/.test(code)) return null;
  const known = REFUSALS.find(([pattern]) => pattern.test(code));
  return known ? `${known[1]} (${code})` : `TLS failed: ${words}`;
}

/** The code of an error, or of what it was caused by. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return '';
}
