/** Opens a byte stream to the daemon at an address. */
import type { Duplex } from 'node:stream';
import { connect } from 'node:net';
import type { Connect } from '@rebake/buildkit';
import { engineFailure, failure } from '@rebake/sdk/building';
import { showAddress } from './address.ts';
import type { BuildkitAddress } from './address.ts';
import type { ReachOptions } from './options.ts';

/**
 * How to connect to the daemon at an address. Nothing is opened before it is called; each call opens a stream of its own. It rejects with
 * `ENGINE_UNREACHABLE` in the words of whoever refused.
 */
export function connectTo(address: BuildkitAddress, _options: ReachOptions): Connect {
  const shown = showAddress(address);
  return () =>
    new Promise<Duplex>((resolve, reject) => {
      if (address.kind !== 'unix') {
        reject(failure('ENGINE_UNREACHABLE', 'never', `${shown} cannot be reached by this version`));
        return;
      }
      const socket = connect(address.path);
      socket.once('error', (error) => reject(engineFailure(error, shown) as Error));
      socket.once('connect', () => resolve(socket));
    });
}
