/** The connections that the `podman` command knows: of its own file (Podman 5, and what `podman machine` writes), and of containers.conf. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildFailure } from '@rebake/image';
import { failure } from '@rebake/sdk/building';
import type { TlsFiles } from './options.ts';

/** A connection as it is written down; nothing of it is checked but that these are texts. */
export interface Connection {
  readonly name: string;
  readonly uri: string;
  /** Path of a key for ssh. */
  readonly identity?: string;
  readonly tls?: TlsFiles;
  /** Whether it leads to a virtual machine of `podman machine`, which nobody but this machine can reach, and whose host key nobody knows. */
  readonly machine: boolean;
}

/** Where the files are. */
export interface Places {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home. */
  readonly home: string;
  /** Folders of the system's and of the administrator's containers.conf. */
  readonly system: readonly string[];
}

/** Where the files of a Linux machine are. */
export const SYSTEM_FOLDERS: readonly string[] = ['/usr/share/containers', '/etc/containers'];

interface Known {
  default?: string;
  readonly connections: Map<string, Connection>;
}

/** The connection of a name, or the default one where that is undefined; null where there is none. Rejects for files that cannot be understood. */
export async function findConnection(name: string | undefined, places: Places): Promise<Connection | null> {
  const known = ofConnectionsFile(places);
  const config = await ofContainersConf(places);
  const wanted = name ?? known.default ?? config.default;
  if (wanted === undefined) return null;
  return known.connections.get(wanted) ?? config.connections.get(wanted) ?? null;
}

function userFolder({ env, home }: Places): string {
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers');
}

function ofConnectionsFile(places: Places): Known {
  const path = places.env['PODMAN_CONNECTIONS_CONF'] || join(userFolder(places), 'podman-connections.json');
  const text = read(path);
  const known: Known = { connections: new Map() };
  if (text === null) return known;
  const connection = recordOf(recordOf(understand(path, () => JSON.parse(text) as unknown))['Connection']);
  const { Default: chosen, Connections: all } = connection;
  if (typeof chosen === 'string' && chosen !== '') known.default = chosen;
  const fields = {
    uri: 'URI',
    identity: 'Identity',
    ca: 'TLSCA',
    cert: 'TLSCert',
    key: 'TLSKey',
    machine: 'IsMachine',
  };
  add(known, all, fields);
  return known;
}

/** Later files win, field by field; a connection is one field. */
async function ofContainersConf(places: Places): Promise<Known> {
  const known: Known = { connections: new Map() };
  for (const path of configFiles(places)) {
    const text = read(path);
    // Most of these files are about other things, and the parser costs more than the look.
    if (text === null || !/service_destinations|active_service/.test(text)) continue;
    const { parse } = await import('smol-toml');
    const { engine } = recordOf(understand(path, () => parse(text)));
    const { active_service: chosen, service_destinations: all } = recordOf(engine);
    if (typeof chosen === 'string' && chosen !== '') known.default = chosen;
    const fields = { uri: 'uri', identity: 'identity', ca: 'tls_ca', cert: 'tls_cert', key: 'tls_key' };
    add(known, all, { ...fields, machine: 'is_machine' });
  }
  return known;
}

function configFiles(places: Places): string[] {
  const { env, system } = places;
  const only = env['CONTAINERS_CONF'];
  const last = env['CONTAINERS_CONF_OVERRIDE'];
  const folders = [...system, userFolder(places)];
  const files = only
    ? [only]
    : folders.flatMap((folder) => {
        const file = join(folder, 'containers.conf');
        return [file, ...parts(`${file}.d`)];
      });
  return last ? [...files, last] : files;
}

function parts(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.conf'))
      .toSorted()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

interface Fields {
  readonly uri: string;
  readonly identity: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly machine: string;
}

function add(known: Known, all: unknown, fields: Fields): void {
  for (const [name, value] of Object.entries(recordOf(all))) {
    const record = recordOf(value);
    const text = (key: string) => (typeof record[key] === 'string' && record[key] !== '' ? record[key] : undefined);
    const uri = text(fields.uri);
    if (uri === undefined) continue;
    const identity = text(fields.identity);
    const [ca, cert, key] = [text(fields.ca), text(fields.cert), text(fields.key)];
    const tls = { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
    known.connections.set(name, {
      name,
      uri,
      ...(identity === undefined ? {} : { identity }),
      ...(Object.keys(tls).length > 0 ? { tls } : {}),
      machine: record[fields.machine] === true,
    });
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? (value as Readonly<Record<string, unknown>>) : {};
}

/** Null where there is no such file. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw unreadable(path, error);
  }
}

function understand<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): BuildFailure {
  const why = cause instanceof Error ? cause.message : String(cause);
  const words = `${path}, in which the podman command keeps its connections, cannot be read: ${why}`;
  return failure('ENGINE_UNREACHABLE', 'never', words, cause);
}
