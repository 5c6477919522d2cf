/** Opens a byte stream to the daemon at an address. */
import type { Duplex } from 'node:stream';
import type { Connect } from '@rebake/buildkit';
import { resolveDockerEndpoint, resolvePodmanEndpoint, sshCommandDuplex } from '@rebake/sdk/building';
import { showAddress } from './address.ts';
import type { BuildkitAddress } from './address.ts';
import { dialAt } from './dial.ts';
import { connectToContainer } from './exec.ts';
import { acceptGreeting } from './greeting.ts';
import { connectToPod } from './kubectl.ts';
import type { ReachOptions } from './options.ts';
import { connectPlain, connectWithTls } from './sockets.ts';

/**
 * How to connect to the daemon at an address. Nothing is opened before it is called; each call opens a stream of its own. It rejects, or its
 * stream fails, with `ENGINE_UNREACHABLE` in the words of whoever refused; a stream that breaks later fails with `ENGINE_LOST`.
 */
export function connectTo(address: BuildkitAddress, options: ReachOptions): Connect {
  return async () => open(address, options);
}

async function open(address: BuildkitAddress, { env, tls, ssh }: ReachOptions): Promise<Duplex> {
  const shown = showAddress(address);
  switch (address.kind) {
    case 'unix':
      return connectPlain({ path: address.path }, shown);
    case 'tcp': {
      const { host, port } = address;
      return tls ? connectWithTls(host, port, tls, shown) : connectPlain({ host, port }, shown);
    }
    case 'docker-container': {
      const { context, name } = address;
      const wish = { ...(context === undefined ? {} : { context }), ...(ssh ? { ssh } : {}) };
      return connectToContainer(resolveDockerEndpoint(wish, env), 'docker', name, shown);
    }
    case 'podman-container':
      return connectToContainer(resolvePodmanEndpoint(env, ssh), 'podman', address.name, shown);
    case 'kube-pod':
      return connectToPod(address, env, shown);
    case 'ssh': {
      const { target } = address;
      return sshCommandDuplex(target, dialAt(target.path), { env, ...ssh }, { accept: acceptGreeting(shown) });
    }
    default:
      return address satisfies never;
  }
}
