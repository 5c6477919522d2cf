/** Which service is meant, found as the `podman` command finds it: options, then the environment, then its files, then the usual sockets. */
import { homedir } from 'node:os';
import { failure } from '@rebake/sdk/building';
import { findConnection, SYSTEM_FOLDERS } from './connections.ts';
import type { Connection, Places } from './connections.ts';
import { parseHost } from './host.ts';
import type { Host } from './host.ts';
import type { PodmanOptions, TlsFiles } from './options.ts';

/** A service and how to get to it. */
export interface Destination {
  readonly host: Host;
  /** Path of a key for ssh. */
  readonly identity?: string;
  readonly tls?: TlsFiles;
  /** Whether it is in a virtual machine of `podman machine`. */
  readonly machine: boolean;
}

/** Facts of this machine. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the user who runs this. */
  readonly uid: number;
  readonly system: readonly string[];
}

/** This machine, seen by this process. */
export function thisMachine(env: Machine['env']): Machine {
  return { env, uid: process.getuid?.() ?? 0, system: SYSTEM_FOLDERS };
}

/** Finds the service. Rejects with `ENGINE_UNREACHABLE` for what cannot be followed. */
export async function findDestination(options: PodmanOptions, machine: Machine): Promise<Destination> {
  const { env, uid, system } = machine;
  const places: Places = { env, home: env['HOME'] || homedir(), system };
  const identity = options.identity ?? (env['CONTAINER_SSHKEY'] || undefined);
  if (options.host !== undefined) return destination(options.host, 'host', { identity, tls: options.tls });
  if (options.connection !== undefined)
    return ofConnection(await named(options.connection, 'the option connection', places), options);
  if (env['CONTAINER_HOST']) return destination(env['CONTAINER_HOST'], 'CONTAINER_HOST', { identity });
  if (env['CONTAINER_CONNECTION'])
    return ofConnection(await named(env['CONTAINER_CONNECTION'], 'CONTAINER_CONNECTION', places), options);
  const connection = await findConnection(undefined, places);
  return connection ? ofConnection(connection, options) : { host: usual(env, uid), machine: false };
}

async function named(name: string, who: string, places: Places): Promise<Connection> {
  const found = await findConnection(name, places);
  if (found) return found;
  const words = `${who} is ${JSON.stringify(name)}, and podman knows no such connection (see \`podman system connection list\`)`;
  throw failure('ENGINE_UNREACHABLE', 'never', words);
}

function ofConnection({ name, uri, machine, ...rest }: Connection, options: PodmanOptions): Destination {
  const identity = options.identity ?? rest.identity;
  return destination(uri, `the connection ${name}`, { identity, tls: rest.tls, machine });
}

interface More {
  readonly identity?: string | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly machine?: boolean;
}

function destination(text: string, who: string, { identity, tls, machine = false }: More): Destination {
  const host = parseHost(text);
  if ('error' in host) throw failure('ENGINE_UNREACHABLE', 'never', `${who} is ${JSON.stringify(text)}: ${host.error}`);
  return {
    host,
    ...(identity === undefined ? {} : { identity }),
    ...(tls === undefined ? {} : { tls }),
    machine,
  };
}

/** The socket of the user's own service, or the system's for root. */
function usual(env: Machine['env'], uid: number): Host {
  const folder = uid === 0 ? '/run' : env['XDG_RUNTIME_DIR'] || `/run/user/${uid}`;
  return { kind: 'unix', path: `${folder}/podman/podman.sock` };
}
