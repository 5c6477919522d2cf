// The tokens that the registry of tests believes in: JSON web tokens signed by our key, whose certificate the registry has.
// https://distribution.github.io/distribution/spec/auth/token/ and …/jwt/
import { randomUUID, sign, X509Certificate } from 'node:crypto';

export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

export interface Signer {
  /** PEM. */
  readonly key: string;
  /** PEM, self-signed. */
  readonly certificate: string;
}

const ISSUER = 'rebake-engines';

/** Seconds. Long enough for any build of ours, short enough to be met by a test that waits for nothing. */
export const LIFETIME = 300;

/** `repository:NAME:ACTION,…`, several of them separated by spaces; NAME may hold a port and its colon. */
export function parseScope(scope: string): Access[] {
  return scope
    .split(' ')
    .map((part) => /^([^:]+):(.+):([^:]*)$/.exec(part))
    .filter((match) => match !== null)
    .map(([, type = '', name = '', actions = '']) => ({ type, name, actions: actions.split(',').filter(Boolean) }));
}

/** What is granted of what was asked: all of it to a known user, reading to anyone. */
export function grant(asked: readonly Access[], user: string | undefined): Access[] {
  if (user !== undefined) return [...asked];
  return asked
    .filter(({ type }) => type === 'repository')
    .map((access) => ({ ...access, actions: access.actions.filter((action) => action === 'pull') }));
}

export interface TokenRequest {
  readonly user: string | undefined;
  readonly service: string;
  readonly access: readonly Access[];
  /** Seconds since 1970. */
  readonly now: number;
}

export function issueToken(signer: Signer, { user, service, access, now }: TokenRequest): string {
  const chain = [new X509Certificate(signer.certificate).raw.toString('base64')];
  const header = { typ: 'JWT', alg: 'RS256', x5c: chain };
  // `nbf` lies a little back: the registry's clock and ours are one, but its rounding is not.
  const times = { nbf: now - 10, iat: now, exp: now + LIFETIME };
  const claims = { iss: ISSUER, sub: user ?? '', aud: service, ...times, jti: randomUUID(), access };
  const body = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${body}.${sign('sha256', Buffer.from(body), signer.key).toString('base64url')}`;
}
