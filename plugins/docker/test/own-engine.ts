/** A Docker engine of a test's own, which may be killed. It runs no containers, so that only its own processes have to end with it. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';

/** An engine whose data is in a folder. */
export interface OwnEngine {
  /** As in DOCKER_HOST. */
  readonly host: string;
  /** Starts it again after it was killed. */
  start(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): void;
  /** Ends it in peace, and leaves nothing mounted. */
  stop(): Promise<void>;
}

/** Starts an engine, and waits until it answers. */
export async function startEngine(root: string): Promise<OwnEngine> {
  const socket = join(root, 'docker.sock');
  const pids = { docker: join(root, 'pid'), containerd: join(root, 'exec/containerd/containerd.pid') };
  const places = ['--data-root', join(root, 'data'), '--exec-root', join(root, 'exec'), '--pidfile', pids.docker];
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'];
  const others = ['--host', `unix://${socket}`, '--storage-driver', 'overlay2', '--log-level', 'error'];
  mkdirSync(root);
  let daemon: ChildProcess | undefined;
  let ended: Promise<unknown> | undefined;
  const engine: OwnEngine = {
    host: `unix://${socket}`,
    async start() {
      await ended;
      // Left behind by a kill: a number that belongs to somebody else by now would make the next one wait for him.
      for (const file of Object.values(pids)) rmSync(file, { force: true });
      daemon = spawn('dockerd', [...places, ...network, ...others], { stdio: 'ignore' });
      ended = once(daemon, 'exit');
      await expect.poll(() => answers(socket), { timeout: 30_000, interval: 50 }).toBe(true);
    },
    kill() {
      const containerd = Number(readFileSync(pids.containerd, 'utf8'));
      daemon?.kill('SIGKILL');
      process.kill(containerd, 'SIGKILL');
    },
    async stop() {
      daemon?.kill('SIGTERM');
      await ended;
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .map((line) => line.split(' ')[4] ?? '');
      for (const mount of mounts.filter((path) => path.startsWith(`${root}/`)).toReversed())
        execFileSync('umount', ['--lazy', mount]);
    },
  };
  await engine.start();
  return engine;
}

async function answers(socketPath: string): Promise<boolean> {
  const ping = request({ socketPath, path: '/_ping', agent: false });
  ping.end();
  try {
    const [response] = (await once(ping, 'response')) as [{ statusCode?: number; resume(): void }];
    response.resume();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}
