/** Addresses of other machines that are reached by ssh: taken apart and checked, because they become arguments of the user's `ssh`. */

/** Where `ssh` is to go. */
export interface SshTarget {
  /** A host name, an address (IPv6 without brackets), or a `Host` of the user's ssh config. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Path of a socket on the other machine, absolute. */
  readonly path?: string;
}

/** How a refusal explains what is wanted. */
export const SSH_FORM = 'ssh://[user@]host[:port][/path of a socket]';

// Names of a ssh config may hold more than those of hosts, but nothing that a shell, ssh's own tokens (%h) or an option would be read from.
const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/;
const IPV6 = /^[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,32})?$/;
const USER = /^[A-Za-z0-9_][A-Za-z0-9_.@\\+-]{0,127}$/;
const SOCKET_PATH = /^\/[A-Za-z0-9_./@+-]{1,255}$/;

/** Takes `ssh://[user@]host[:port][/path]` apart; an error says what is wrong with it, for people. */
export function parseSshTarget(text: string): SshTarget | { readonly error: string } {
  // Not by URL: it would encode, lower and drop what has to be refused.
  const match = /^ssh:\/\/(?:([^@/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::([^/?#]*))?(\/[^?#]*)?([?#].*)?$/s.exec(text);
  if (!match) return { error: `must be ${SSH_FORM}` };
  const [, user, inBrackets = '', port, path, rest] = match;
  if (rest !== undefined) return { error: `must be ${SSH_FORM}, with nothing after it` };
  if (user?.includes(':')) return { error: 'holds a password: ssh asks its agent and its config, never a URL' };
  if (user !== undefined && !USER.test(user)) return { error: `${JSON.stringify(user)} cannot be a user for ssh` };
  const bracketed = /^\[(.*)\]$/.exec(inBrackets);
  const host = bracketed?.[1] ?? inBrackets;
  if (bracketed ? !IPV6.test(host) : !HOST.test(host))
    return { error: `${JSON.stringify(host)} cannot be a host for ssh` };
  if (port !== undefined && !isPort(port)) return { error: `${JSON.stringify(port)} is no port` };
  const isPath = path !== undefined && path !== '/';
  if (isPath && !isSocketPath(path)) return { error: `${JSON.stringify(path)} cannot be the path of a socket` };
  return {
    host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(isPath ? { path } : {}),
  };
}

/** For people, and as {@link parseSshTarget} takes it. */
export function showSshTarget({ host, user, port, path }: SshTarget): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `ssh://${user === undefined ? '' : `${user}@`}${shown}${port === undefined ? '' : `:${port}`}${path ?? ''}`;
}

/** Whether a path can be that of a socket on another machine: ssh would expand signs in others, and the shell there too. */
export function isSocketPath(path: string): boolean {
  return SOCKET_PATH.test(path);
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
