/** What is needed to reach a daemon besides its address. */
import type { SshOptions } from '@rebake/sdk/building';

/** PEM files for a daemon behind TLS. Paths are absolute, or relative to the working directory. */
export interface TlsPaths {
  /** Authorities that the daemon's certificate is checked against. Default: those that Node knows. */
  readonly ca?: string;
  /** Our own certificate, where the daemon asks for one; goes with `key`. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the daemon's certificate is for. Default: the host of the address. */
  readonly serverName?: string;
}

/** How to reach a daemon. */
export interface ReachOptions {
  /** Only with tcp; without it the connection is plain. */
  readonly tls?: TlsPaths;
  /** Where ssh is used, besides the user's own config. */
  readonly ssh?: Pick<SshOptions, 'config' | 'identity'>;
  /** Environment: which Docker engine or Podman service, the user's ssh agent, their kubectl config. */
  readonly env: Readonly<Record<string, string | undefined>>;
}
