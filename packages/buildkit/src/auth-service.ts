/** Logins and tokens for registries, given to BuildKit when a registry asks it for them (`moby.filesync.v1.Auth`). */
import { createHmac, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { BuildFailure } from '@rebake/image';
import {
  CredentialsRequestSchema,
  CredentialsResponseSchema,
  FetchTokenRequestSchema,
  FetchTokenResponseSchema,
  GetTokenAuthorityRequestSchema,
  GetTokenAuthorityResponseSchema,
  VerifyTokenAuthorityRequestSchema,
  VerifyTokenAuthorityResponseSchema,
} from './generated/auth_pb.ts';
import type { FetchToken, RegistryToken, TokenRequest } from './registry-tokens.ts';
import type { Handler } from './server.ts';
import { GrpcCode, GrpcError } from './status.ts';
import { unary } from './unary.ts';

/** A login in BuildKit's form; an empty user name goes with an identity token. */
export interface Login {
  readonly username: string;
  readonly secret: string;
}

/** Where logins and tokens come from. */
export interface Logins {
  /** Null: anonymous. */
  credentials(host: string): Promise<Login | null>;
  /** Absent: the daemon gets the login and fetches tokens itself. */
  readonly fetchToken?: FetchToken;
}

const SERVICE = '/moby.filesync.v1.Auth';

/** The methods of the service. */
export function serveLogins(logins: Logins): [string, Handler][] {
  const { fetchToken } = logins;
  return [
    [
      `${SERVICE}/Credentials`,
      unary(CredentialsRequestSchema, CredentialsResponseSchema, async ({ Host: host }) => {
        const login = await logins.credentials(host);
        return login ? { Username: login.username, Secret: login.secret } : {};
      }),
    ],
    // A daemon to which a method is not known takes it for a no.
    ...(fetchToken ? tokenMethods(logins, fetchToken) : []),
  ];
}

function tokenMethods(logins: Logins, fetchToken: FetchToken): [string, Handler][] {
  return [
    [
      `${SERVICE}/FetchToken`,
      unary(FetchTokenRequestSchema, FetchTokenResponseSchema, async (request) => {
        const { token, expiresIn, issuedAt } = await orRefusal(fetchToken, {
          clientId: request.ClientID,
          host: request.Host,
          realm: request.Realm,
          service: request.Service,
          scopes: request.Scopes,
        });
        return { Token: token, ExpiresIn: BigInt(expiresIn), IssuedAt: BigInt(issuedAt) };
      }),
    ],
    [
      `${SERVICE}/GetTokenAuthority`,
      unary(GetTokenAuthorityRequestSchema, GetTokenAuthorityResponseSchema, async ({ Host: host, Salt: salt }) => ({
        PublicKey: publicBytes(await authority(logins, host, salt)),
      })),
    ],
    [
      `${SERVICE}/VerifyTokenAuthority`,
      unary(VerifyTokenAuthorityRequestSchema, VerifyTokenAuthorityResponseSchema, async (request) => {
        const key = await authority(logins, request.Host, request.Salt);
        return { Signed: Buffer.concat([sign(null, request.Payload, key), request.Payload]) };
      }),
    ],
  ];
}

/**
 * A registry that gives no token fails what asked for it, which need not be the build: a cache that cannot be read is none. So the daemon
 * is told, and says in which place it mattered.
 */
async function orRefusal(fetchToken: FetchToken, request: TokenRequest): Promise<RegistryToken> {
  try {
    return await fetchToken(request);
  } catch (error) {
    if (error instanceof BuildFailure) throw new GrpcError(GrpcCode.unknown, error.error.words);
    throw error;
  }
}

/** Never leaves this process. */
const SEED = randomBytes(32);
/** What goes before the 32 bytes of an Ed25519 key in PKCS #8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The key by which a daemon knows that two sessions of ours stand for the same login, so that they may share tokens: it follows from the
 * login and from the daemon's salt. All who have no login share one key, as they may.
 */
async function authority(logins: Logins, host: string, salt: Uint8Array): Promise<KeyObject> {
  const login = await logins.credentials(host);
  const mac = createHmac('sha256', salt);
  if (login)
    mac.update(
      createHmac('sha256', SEED)
        .update(JSON.stringify([host, login.username, login.secret]))
        .digest(),
    );
  return createPrivateKey({ key: Buffer.concat([PKCS8, mac.digest()]), format: 'der', type: 'pkcs8' });
}

function publicBytes(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
}
