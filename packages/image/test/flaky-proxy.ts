// A way to a registry on which connections break: once after each of the given numbers of bytes, in one direction.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface FlakyProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Breaks that have not come yet. */
  readonly left: readonly number[];
  /** Bytes that went in the direction that breaks, over all connections. */
  readonly passed: number;
}

/** `way`: `up` breaks what is sent to `address`, `down` what comes from there. Bytes are counted over all connections, from break to break. */
export async function flakyProxy(address: string, way: 'up' | 'down', breaks: readonly number[]): Promise<FlakyProxy> {
  const left = [...breaks];
  const sockets = new Set<Socket>();
  let seen = 0;
  let passed = 0;
  const [host = '', port = ''] = address.split(':');

  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    const [from, to] = way === 'up' ? [near, far] : [far, near];
    to.pipe(from);
    from.on('data', (chunk: Buffer) => {
      const limit = left[0];
      seen += chunk.byteLength;
      if (limit === undefined || seen <= limit) {
        passed += chunk.byteLength;
        if (!to.write(chunk)) from.pause();
        return;
      }
      const part = chunk.subarray(0, chunk.byteLength - (seen - limit));
      passed += part.byteLength;
      left.shift();
      seen = 0;
      to.write(part, () => near.destroy());
    });
    to.on('drain', () => from.resume());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${own}`,
    left,
    get passed() {
      return passed;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
