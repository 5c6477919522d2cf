// A BuildKit daemon of a test's own: to be killed, to be stopped in its tracks, to be started again on the same root.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Daemon } from './daemon.ts';
import type { TlsFiles } from './grpc-health.ts';
import { readState } from './state.ts';

const run = promisify(execFile);
const SOCKETS = '/run/rebake-engines';

export interface BuildkitdOptions {
  /** The folder of its data, made where it is missing. Another daemon can follow on the root of one that was killed. */
  readonly root: string;
  /** `unix://PATH` or `tcp://HOST:PORT` (port 0: a free one of this machine's); a socket of its own if not given. */
  readonly address?: string;
  /** The server's certificate and the CA of its clients, for a `tcp://` address: paths of PEM files. */
  readonly tls?: TlsFiles;
  /** The file of the network namespace that it and its build steps live in. */
  readonly netns?: string;
  /** More of buildkitd.toml, as tables that are not in there already (`[registry."…"]`, `[history]`). */
  readonly config?: string;
}

export interface Buildkitd extends AsyncDisposable {
  /** As in BUILDKIT_HOST. */
  readonly address: string;
  /** Of the daemon itself, for SIGSTOP and SIGCONT. */
  readonly pid: number;
  /** SIGKILL. What a killed daemon leaves running or mounted is gone when this returns; the root stays. */
  kill(): Promise<void>;
  /** SIGTERM: lets builds end for ten seconds. */
  stop(): Promise<void>;
}

/** Starts one, and waits until it takes connections. Needs root, and the binaries that `tools/engines/up` provides. */
export async function startBuildkitd(options: BuildkitdOptions): Promise<Buildkitd> {
  const state = readState();
  if (state === undefined) throw new Error('no engines.json: run tools/engines/up');
  const root = resolve(options.root);
  // Of the root and not of the process: so one that follows finds what its predecessor left.
  const id = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const socket = join(SOCKETS, `own-${id}.sock`);
  const traces = join(SOCKETS, `own-${id}-otel.sock`);
  const address = await withPort(options.address ?? `unix://${socket}`);
  const cgroup = `rebake-engines-own-${id}`;
  const clean = async (): Promise<void> => {
    await run(join(import.meta.dirname, '../lib/clean'), ['--cgroup', cgroup, root]);
    for (const path of [socket, traces]) rmSync(path, { force: true });
  };
  await clean();
  const temporary = join(root, 'tmp');
  mkdirSync(temporary, { recursive: true });
  mkdirSync(SOCKETS, { recursive: true });
  const { ca, address: tlsRegistry } = state.registries.tls;
  // TOML's strings and JSON's are the same here.
  const text = JSON.stringify;
  const { tls } = options;
  const file = join(root, 'buildkitd.toml');
  const config = `root = ${text(root)}
insecure-entitlements = ["network.host"]
[grpc]
address = [${text(address)}]
${tls === undefined ? '' : `[grpc.tls]\ncert = ${text(tls.cert)}\nkey = ${text(tls.key)}\nca = ${text(tls.ca)}\n`}
[otel]
socketPath = ${text(traces)}
[cdi]
disabled = true
[worker.oci]
enabled = true
networkMode = "host"
defaultCgroupParent = ${text(`/${cgroup}`)}
[worker.containerd]
enabled = false
[registry.${text(tlsRegistry)}]
http = false
ca = [${text(ca)}]
${options.config ?? ''}`;
  writeFileSync(file, config);
  // What it mounts for a moment lies in its temporary folder, and has to be found when it was killed.
  const command = ['env', `TMPDIR=${temporary}`, state.buildkit.buildkitd, '--config', file];
  const daemon = Daemon.start(command, join(root, 'buildkitd.log'), options.netns);
  try {
    await daemon.listening(address);
  } catch (error) {
    await clean();
    throw error;
  }
  const end = (how: 'kill' | 'stop') => async (): Promise<void> => {
    await daemon[how]();
    await clean();
  };
  return { address, pid: daemon.pid, kill: end('kill'), stop: end('stop'), [Symbol.asyncDispose]: end('stop') };
}

/** buildkitd does not tell which port it took, so 0 is replaced beforehand. */
async function withPort(address: string): Promise<string> {
  const { protocol, hostname, port } = new URL(address);
  if (protocol !== 'tcp:' || port !== '0') return address;
  const server = createServer().listen(0, hostname);
  await once(server, 'listening');
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `tcp://${hostname}:${free}`;
}
