// Network namespaces as hosts: each with an address and a BuildKit daemon of its own, joined by a bridge, with a registry that
// all of them and this machine reach. Everything hangs on processes that end with the test's own, so nothing can be left.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Buildkitd } from './buildkitd.ts';
import { startBuildkitd } from './buildkitd.ts';
import { Daemon } from './daemon.ts';
import type { Network } from './network.ts';
import { startNetwork } from './network.ts';
import type { RegistryState } from './state.ts';

const BUILDKIT_PORT = 1234;
const REGISTRY_PORT = 5000;

export interface Host {
  /** `tcp://10.231.N.M:1234`: reachable from this machine, and from the other hosts. */
  readonly address: string;
  /** Of its daemon, for SIGSTOP and SIGCONT; undefined while none runs. */
  readonly pid: number | undefined;
  /** Ends its daemon by SIGKILL; connections to it are refused from then on. */
  kill(): Promise<void>;
  /** Starts its daemon again, on the data of the last one. */
  start(): Promise<void>;
  /** Pulls the plug: packets to and from it get lost, while its daemon runs on. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
}

export interface Hosts extends AsyncDisposable {
  readonly hosts: readonly Host[];
  /** Plain HTTP, with no auth. Clients other than the hosts' daemons have to be told that it is insecure. */
  readonly registry: RegistryState;
  /** Ends daemons, registry and network. The data under `root` stay. */
  stop(): Promise<void>;
}

export interface HostsOptions {
  /** The folder of all their data. */
  readonly root: string;
  readonly count: number;
}

/** Starts `count` hosts (1 to 200). Needs root. Build steps run in the network of their host. */
export async function startHosts(options: HostsOptions): Promise<Hosts> {
  const root = resolve(options.root);
  mkdirSync(root, { recursive: true });
  const started = new AsyncDisposableStack();
  try {
    const network = started.use(await startNetwork(options.count));
    const registry = await startRegistry(root, `${network.gateway}:${REGISTRY_PORT}`);
    started.defer(async () => registry.daemon.stop());
    const hosts: Host[] = [];
    for (let index = 0; index < options.count; index++) {
      const host = new NamespaceHost(network, index, join(root, `host${index}`), registry.state.address);
      started.defer(async () => host.stop());
      await host.start();
      hosts.push(host);
    }
    const owned = started.move();
    const stop = async (): Promise<void> => owned.disposeAsync();
    return { hosts, registry: registry.state, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

class NamespaceHost implements Host {
  readonly address: string;
  readonly #network: Network;
  readonly #index: number;
  readonly #root: string;
  readonly #registry: string;
  #daemon: Buildkitd | undefined;

  constructor(network: Network, index: number, root: string, registry: string) {
    this.#network = network;
    this.#index = index;
    this.#root = root;
    this.#registry = registry;
    this.address = `tcp://${network.address(index)}:${BUILDKIT_PORT}`;
  }

  get pid(): number | undefined {
    return this.#daemon?.pid;
  }

  async start(): Promise<void> {
    await this.stop();
    this.#daemon = await startBuildkitd({
      root: this.#root,
      address: this.address,
      netns: this.#network.file(this.#index),
      config: `[registry.${JSON.stringify(this.#registry)}]\nhttp = true\n`,
    });
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill();
    this.#daemon = undefined;
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  async unplug(): Promise<void> {
    await this.#network.unplug(this.#index);
  }

  async plug(): Promise<void> {
    await this.#network.plug(this.#index);
  }
}

async function startRegistry(root: string, address: string): Promise<{ daemon: Daemon; state: RegistryState }> {
  const file = join(root, 'registry.yml');
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(root, 'registry') }, delete: { enabled: true } },
    http: { addr: address, secret: 'of one process alone' },
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const daemon = Daemon.start(['docker-registry', 'serve', file], join(root, 'registry.log'));
  await daemon.listening(`tcp://${address}`);
  return { daemon, state: { address, url: `http://${address}` } };
}
