// A real HTTP server that answers as a test says, and notes what it was asked.
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';

/** One request, as it came. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly asked: Asked[];
}

export type Respond = (request: IncomingMessage, response: ServerResponse, index: number) => void;

export async function serve(
  respond: Respond,
  make: (listener: RequestListener) => Server = createServer,
): Promise<TestServer> {
  const asked: Asked[] = [];
  const server = make((request, response) => {
    asked.push({ path: request.url ?? '', headers: request.headers });
    respond(request, response, asked.length - 1);
  });
  return { asked, ...(await listening(server)) };
}

/** Starts a server on a free port of this machine; disposing ends its connections too. */
export async function listening(
  server: Server,
): Promise<{ port: number; url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Serves a file as web servers do: ranges, with the condition that they come under. */
export function sendFile(request: IncomingMessage, response: ServerResponse, body: Buffer, etag = '"1"'): void {
  const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const condition = request.headers['if-range'];
  if (start === undefined || (condition !== undefined && condition !== etag)) {
    response.writeHead(200, { 'content-length': body.byteLength, etag }).end(body);
    return;
  }
  const rest = body.subarray(Number(start));
  const range = `bytes ${start}-${body.byteLength - 1}/${body.byteLength}`;
  response.writeHead(206, { 'content-length': rest.byteLength, 'content-range': range, etag }).end(rest);
}

/** Sends the head and the first bytes of a body, and then breaks the connection. */
export function breakAfter(response: ServerResponse, body: Buffer, bytes: number, etag = '"1"'): void {
  response.writeHead(200, { 'content-length': body.byteLength, etag });
  response.write(body.subarray(0, bytes), () => response.socket?.destroy());
}
