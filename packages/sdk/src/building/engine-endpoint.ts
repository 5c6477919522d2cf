/** Where an engine with an HTTP API is: addresses as DOCKER_HOST has them, taken apart and checked. */
import type { SshOptions } from './ssh.ts';
import { parseSshTarget, showSshTarget, SSH_FORM } from './ssh-target.ts';
import type { SshTarget } from './ssh-target.ts';

/** How the two sides of a TLS connection know each other. */
export interface EngineTls {
  /** Authorities for the engine's certificate, as PEM. Default: those that Node knows. */
  readonly ca?: Buffer;
  /** Our own certificate, as PEM; goes with `key`. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** False: whoever answers is the engine. */
  readonly rejectUnauthorized: boolean;
}

/** An engine's address, with all that is needed to connect. */
export type EngineEndpoint =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: EngineTls | null }
  | {
      readonly kind: 'ssh';
      readonly target: SshTarget;
      /** The command over there whose standard input and output are a connection to the engine. */
      readonly remote: readonly string[];
      readonly ssh: SshOptions;
    };

/** An address without what comes from elsewhere. */
export type EngineHost =
  | { readonly kind: 'unix'; readonly socketPath: string }
  /** Without a port: the usual one. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number | null }
  | { readonly kind: 'ssh'; readonly target: SshTarget };

/** Takes an address apart; an error says what is wanted, for people. */
export function parseEngineHost(text: string): EngineHost | { readonly error: string } {
  if (text.startsWith('ssh:')) {
    const target = parseSshTarget(text);
    return 'error' in target ? target : { kind: 'ssh', target };
  }
  const [, socketPath] = /^unix:\/\/(\/[^\0]+)$/.exec(text) ?? [];
  if (socketPath !== undefined) return { kind: 'unix', socketPath };
  return parseTcp(text) ?? { error: `must be unix:///path, tcp://host[:port] or ${SSH_FORM}` };
}

/** For people. */
export function showEndpoint(endpoint: EngineEndpoint): string {
  switch (endpoint.kind) {
    case 'unix':
      return `unix://${endpoint.socketPath}`;
    case 'tcp':
      return `tcp://${endpoint.host}:${endpoint.port}`;
    case 'ssh':
      return showSshTarget(endpoint.target);
    default:
      return endpoint satisfies never;
  }
}

function parseTcp(text: string): EngineHost | null {
  if (!text.startsWith('tcp://') || !URL.canParse(text)) return null;
  const { hostname, port, pathname, search, hash, username } = new URL(text);
  if (hostname === '' || !/^\/?$/.test(pathname) || search !== '' || hash !== '' || username !== '') return null;
  // Node takes IPv6 addresses without the brackets of a URL.
  return { kind: 'tcp', host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? null : Number(port) };
}
