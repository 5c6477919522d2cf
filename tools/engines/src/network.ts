// A bridge with network namespaces on it, one of which is this machine's own. No name stands for any of them: a namespace lives as
// long as a process in it, and the links go with the namespaces, this machine's end too.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Daemon } from './daemon.ts';

// 10.231.N.0/24, of which this machine has .1 and the hosts have .2 and up.
const NETWORKS = 256;

export interface Network extends AsyncDisposable {
  /** This machine's address in it. */
  readonly gateway: string;
  address(index: number): string;
  /** The file that stands for the host's namespace. */
  file(index: number): string;
  unplug(index: number): Promise<void>;
  plug(index: number): Promise<void>;
}

export async function startNetwork(count: number): Promise<Network> {
  if (!Number.isInteger(count) || count < 1 || count > 200) throw new Error(`no network of ${count} hosts`);
  const started = new AsyncDisposableStack();
  const namespace = async (): Promise<string> => {
    const holder = await holdNamespace();
    started.defer(async () => holder.kill());
    return `/proc/${holder.pid}/ns/net`;
  };
  try {
    const hub = await namespace();
    const number = await link(hub);
    // The kernel would remove it too, but some time after the last process of the namespace.
    started.defer(async () => ip(undefined, `link delete rebake${number}`));
    const subnet = `10.231.${number}`;
    await ip(hub, 'link add bridge type bridge', 'link set bridge up', 'link set uplink master bridge up');
    const files: string[] = [];
    for (let index = 0; index < count; index++) {
      const host = await namespace();
      files.push(host);
      await ip(hub, `link add host${index} type veth peer name eth0 netns ${pidOf(host)}`);
      await ip(hub, `link set host${index} master bridge up`);
      await ip(host, 'link set lo up', `address add ${subnet}.${index + 2}/24 dev eth0`, 'link set eth0 up');
    }
    const owned = started.move();
    return {
      gateway: `${subnet}.1`,
      address: (index) => `${subnet}.${index + 2}`,
      file: (index) => {
        const file = files[index];
        if (file === undefined) throw new Error(`no host ${index}`);
        return file;
      },
      unplug: async (index) => ip(hub, `link set host${index} down`),
      plug: async (index) => ip(hub, `link set host${index} up`),
      [Symbol.asyncDispose]: async () => owned.disposeAsync(),
    };
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

/** Joins this machine to the bridge by a link `rebakeN`, the first N that nobody has; the subnet's name is N as well. */
async function link(hub: string): Promise<number> {
  for (let number = 0; number < NETWORKS; number++) {
    const name = `rebake${number}`;
    try {
      await ip(undefined, `link add ${name} type veth peer name uplink netns ${pidOf(hub)}`);
    } catch (error) {
      if (error instanceof Error && error.message.includes('File exists')) continue;
      throw error;
    }
    await ip(undefined, `address add 10.231.${number}.1/24 dev ${name}`, `link set ${name} up`);
    return number;
  }
  throw new Error(`all ${NETWORKS} networks are in use`);
}

/** A process in a network namespace of its own, which ends with it. */
async function holdNamespace(): Promise<Daemon> {
  const holder = Daemon.start(['unshare', '--net', 'sleep', 'infinity'], '/dev/null');
  const ours = readlinkSync('/proc/self/ns/net');
  while (readlinkSync(`/proc/${holder.pid}/ns/net`) === ours) {
    if (holder.ended) throw new Error('could not make a network namespace');
    await delay(5);
  }
  return holder;
}

function pidOf(file: string): string {
  return file.split('/')[2] ?? '';
}

/** Runs commands of ip(8), in a namespace or (undefined) in this machine's own. */
async function ip(namespace: string | undefined, ...commands: readonly string[]): Promise<void> {
  const inside = namespace === undefined ? [] : [`--net=${namespace}`];
  const child = spawn('nsenter', [...inside, '--', 'ip', '-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  child.stdin.end(`${commands.join('\n')}\n`);
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`ip: ${commands.join('; ')}: ${errors}`);
}
