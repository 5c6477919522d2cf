/** A Podman of a test's own, as root, which may be killed. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';

/** A service whose data is in a folder. */
export interface OwnPodman {
  /** As in CONTAINER_HOST. */
  readonly host: string;
  readonly socket: string;
  /** Starts it again after it was killed. */
  start(): Promise<void>;
  /** Ends it as a power cut would, with what runs in builds. Resolves when it has ended. */
  kill(): Promise<void>;
  /** Sends a signal to the service alone. */
  signal(name: NodeJS.Signals): void;
  /** Ends it in peace, and leaves nothing mounted. */
  stop(): Promise<void>;
}

/** What the machines of the tests need: see tools/engines. */
const CONFIG = (folder: string) => `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "${folder}/libpod"
[containers]
netns = "host"
default_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]
`;

/** Starts a Podman, and waits until it answers. */
export async function startPodman(folder: string): Promise<OwnPodman> {
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  const socket = join(folder, 'podman.sock');
  const config = join(folder, 'containers.conf');
  writeFileSync(config, CONFIG(folder));
  const registries = join(folder, 'registries.conf');
  writeFileSync(registries, '');
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    CONTAINERS_CONF: config,
    CONTAINERS_REGISTRIES_CONF: registries,
  };
  mkdirSync(join(folder, '.config/containers'), { recursive: true });
  writeFileSync(join(folder, '.config/containers/policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  const place = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay'];
  let service: ChildProcess | undefined;
  let ended: Promise<unknown> | undefined;
  const own: OwnPodman = {
    host: `unix://${socket}`,
    socket,
    async start() {
      await ended;
      const args = [...place, 'system', 'service', '--time', '0', own.host];
      // A group of its own, in which the processes of builds are, too.
      service = spawn('podman', args, { env, stdio: 'ignore', detached: true });
      ended = once(service, 'exit');
      await expect.poll(() => answers(socket), { timeout: 30_000, interval: 50 }).toBe(true);
    },
    async kill() {
      if (service?.pid !== undefined && service.exitCode === null) process.kill(-service.pid, 'SIGKILL');
      await ended;
    },
    signal(name) {
      service?.kill(name);
    },
    async stop() {
      service?.kill('SIGCONT');
      service?.kill('SIGTERM');
      await ended;
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .map((line) => line.split(' ')[4] ?? '');
      for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).toReversed())
        execFileSync('umount', ['--lazy', mount]);
    },
  };
  await own.start();
  return own;
}

async function answers(socketPath: string): Promise<boolean> {
  const ping = request({ socketPath, path: '/libpod/_ping', agent: false });
  ping.end();
  try {
    const [response] = (await once(ping, 'response')) as [{ statusCode?: number; resume(): void }];
    response.resume();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}
