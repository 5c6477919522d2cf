/** A registry that writes down what it is asked: a proxy before a real one. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordingRegistry extends AsyncDisposable {
  /** `host:port`. */
  readonly address: string;
  /** `METHOD /path?query` of each request so far. */
  readonly requests: string[];
  /** Whether blobs are refused from now on. */
  refuse: boolean;
}

export async function recordRegistry(address: string): Promise<RecordingRegistry> {
  const requests: string[] = [];
  const [host, port] = address.split(':');
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    if (recording.refuse) {
      incoming.resume();
      outgoing.writeHead(404).end();
      return;
    }
    const { method, url: path, headers } = incoming;
    const onward = request({ host, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const recording: RecordingRegistry = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    refuse: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return recording;
}
