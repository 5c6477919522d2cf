// A process of a test's own that ends with the test's process, however that ends.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const START_MS = 30_000;
const STOP_MS = 10_000;
const POLL_MS = 20;

export class Daemon {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #log: string;

  private constructor(child: ChildProcess, log: string) {
    if (child.pid === undefined) throw new Error(`could not start ${child.spawnfile}`);
    this.pid = child.pid;
    this.#child = child;
    this.#log = log;
  }

  /**
   * `command` is found on the PATH; what it writes goes to the file `log`. `netns`: the file of a network namespace to run in.
   * The mounts stay the machine's: `ip netns exec` would give it a /sys without cgroups, in which runc runs nothing.
   */
  static start(command: readonly string[], log: string, netns?: string): Daemon {
    const output = openSync(log, 'a');
    const inside = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...inside, ...command], {
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    // A failed spawn shows by the missing pid.
    child.on('error', () => undefined);
    return new Daemon(child, log);
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Until somebody listens at the address (`unix://PATH` or `tcp://HOST:PORT`). */
  async listening(address: string): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!(await accepts(address))) {
      if (this.ended || Date.now() > deadline) {
        await this.kill();
        throw new Error(`nobody came to listen at ${address}: ${readFileSync(this.#log, 'utf8').slice(-2000)}`);
      }
      await delay(POLL_MS);
    }
  }

  /** SIGKILL, which works on a stopped process too. */
  async kill(): Promise<void> {
    if (this.ended) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  /** SIGTERM, and SIGKILL for who has not ended ten seconds later. */
  async stop(): Promise<void> {
    if (this.ended) return;
    const exit = once(this.#child, 'exit');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGTERM');
    await exit;
    clearTimeout(timer);
  }
}

async function accepts(address: string): Promise<boolean> {
  const { protocol, hostname, port, pathname } = new URL(address);
  const socket = createConnection(protocol === 'unix:' ? { path: pathname } : { host: hostname, port: Number(port) });
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}
