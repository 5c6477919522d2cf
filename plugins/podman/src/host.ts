/** Addresses of services, taken apart and checked: they become sockets, and arguments of ssh. */
import { parseEngineHost, showSshTarget } from '@rebake/sdk/building';
import type { SshTarget } from '@rebake/sdk/building';

/** Where a service is. */
export type Host =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'ssh'; readonly target: SshTarget; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

const FORMS = 'must be unix:///path, ssh://[user@]host[:port]/path of the socket, or tcp://host:port';

/** Takes an address apart; an error says what is wrong with it, for people. */
export function parseHost(text: string): Host | { readonly error: string } {
  const parsed = parseEngineHost(withoutQuery(text));
  if ('error' in parsed) return text.startsWith('ssh:') ? parsed : { error: FORMS };
  switch (parsed.kind) {
    case 'unix':
      return { kind: 'unix', path: parsed.socketPath };
    case 'ssh': {
      const { path, ...target } = parsed.target;
      return path === undefined ? { error: `${FORMS}; the path is missing` } : { kind: 'ssh', target, path };
    }
    case 'tcp': {
      // Podman has no port of its own to fall back to.
      const { host, port } = parsed;
      return port === null ? { error: FORMS } : { kind: 'tcp', host, port };
    }
    default:
      return parsed satisfies never;
  }
}

/** What is wrong with an address, or null. */
export function hostError(text: string): string | null {
  const parsed = parseHost(text);
  return 'error' in parsed ? parsed.error : null;
}

/** For people. */
export function showHost(host: Host): string {
  switch (host.kind) {
    case 'unix':
      return `unix://${host.path}`;
    case 'ssh':
      return showSshTarget({ ...host.target, path: host.path });
    case 'tcp':
      return `tcp://${host.host.includes(':') ? `[${host.host}]` : host.host}:${host.port}`;
    default:
      return host satisfies never;
  }
}

/** Connections of Podman 3 ended in `?secure=…`, which said whether the host's key is checked; ours always is. */
function withoutQuery(text: string): string {
  return text.replace(/\?secure=(true|false)$/i, '');
}
