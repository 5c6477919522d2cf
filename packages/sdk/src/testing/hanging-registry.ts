/** A registry that lets everybody in and then never answers: so that a push is certainly going on when it is aborted. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A registry that hangs. */
export interface HangingRegistry {
  readonly address: string;
  /** Resolves when somebody has begun to push, and waits. */
  readonly asked: Promise<void>;
  close(): Promise<void>;
}

/** Starts one. `host`: how the engine reaches this machine. */
export async function startHangingRegistry(host: string): Promise<HangingRegistry> {
  const asked = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    if (request.url === '/v2/') response.end('{}');
    else asked.resolve();
  });
  server.listen(0, host === '127.0.0.1' ? host : '0.0.0.0');
  await once(server, 'listening');
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    asked: asked.promise,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
