/** The way to a service: where node's HTTP has to connect to. A way by ssh is opened with the first request, and anew when it has broken. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import { failure, forwardUnixSocket } from '@rebake/sdk/building';
import type { Forward } from '@rebake/sdk/building';
import type { BuilderPlace } from '@rebake/sdk';
import type { Destination } from './destination.ts';
import type { Host } from './host.ts';
import type { TlsFiles } from './options.ts';

/** What node's HTTP is told, and whether it is HTTPS. */
export interface End {
  readonly secure: boolean;
  readonly options: RequestOptions;
}

/** A way to a service. */
export interface Route {
  end(): Promise<End>;
  close(): Promise<void>;
}

/** Opens nothing yet. */
export function routeTo(destination: Destination, place: BuilderPlace): Route {
  const { host } = destination;
  switch (host.kind) {
    case 'unix':
      return fixed({ secure: false, options: { socketPath: host.path } });
    case 'tcp': {
      const at = { host: host.host, port: host.port };
      let end: End | undefined;
      const { tls } = destination;
      return {
        end: async () => (end ??= { secure: tls !== undefined, options: { ...at, ...(tls ? readTls(tls) : {}) } }),
        close: async () => undefined,
      };
    }
    case 'ssh':
      return bySsh(host, destination, place);
    default:
      return host satisfies never;
  }
}

function fixed(end: End): Route {
  return { end: async () => end, close: async () => undefined };
}

function readTls(files: TlsFiles): RequestOptions {
  const read = (file: string | undefined) => {
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch (cause) {
      const words = `cannot read ${file}, which the TLS connection to the service needs`;
      throw failure('ENGINE_UNREACHABLE', 'never', words, cause);
    }
  };
  return { ca: read(files.ca), cert: read(files.cert), key: read(files.key) };
}

function bySsh(host: Extract<Host, { kind: 'ssh' }>, { identity, machine }: Destination, place: BuilderPlace): Route {
  let open: Promise<Forward> | undefined;
  const start = async () => {
    const options = {
      env: place.env,
      ...(identity === undefined ? {} : { identity }),
      ...(machine ? { config: machineConfig(place.dir) } : {}),
    };
    const forward = await forwardUnixSocket(host.target, host.path, place.dir, options);
    void forward.ended.then(() => (open = undefined));
    return forward;
  };
  return {
    async end() {
      const opening = (open ??= start());
      try {
        return { secure: false, options: { socketPath: (await opening).path } };
      } catch (error) {
        if (open === opening) open = undefined;
        throw error;
      }
    },
    async close() {
      const opened = open;
      open = undefined;
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}

/**
 * What `podman machine` itself does: the machine is a virtual one behind a loopback port, its key is made anew with it and in no list of known
 * hosts, and the user's own config has nothing to say about it.
 */
const MACHINE_CONFIG = `StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
IdentitiesOnly yes
`;

function machineConfig(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'podman-machine-ssh.conf');
  writeFileSync(path, MACHINE_CONFIG, { mode: 0o600 });
  return path;
}
