/** Tokens for registries, which BuildKit asks its client for: so that logins stay on this machine. */
import type { Credentials, RegistryAccess } from '@rebake/image';

/** What a registry's challenge said, as the daemon passes it on. */
export interface TokenRequest {
  readonly clientId: string;
  readonly host: string;
  readonly realm: string;
  readonly service: string;
  readonly scopes: readonly string[];
}

/** A bearer token. Seconds. */
export interface RegistryToken {
  readonly token: string;
  readonly expiresIn: number;
  /** Since the epoch; 0: now. */
  readonly issuedAt: number;
}

/** Gets tokens with a login (or without one) from the token server that a registry names. */
export type FetchToken = (request: TokenRequest) => Promise<RegistryToken>;

/** A {@link FetchToken} over HTTP(S) with the logins and the trusted authorities of this machine. */
export function createTokenFetcher(_options: {
  credentials(host: string): Promise<Credentials | null>;
  registry(host: string): RegistryAccess;
  readonly signal: AbortSignal;
}): FetchToken {
  return () => Promise.reject(new Error('under way'));
}
