// Whether a BuildKit daemon serves: gRPC's health check, which needs no types of BuildKit's.
// https://github.com/grpc/grpc/blob/master/doc/health-checking.md
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { createConnection } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Paths of PEM files: the own certificate with its key, and the CA of the other side. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

// An empty message in gRPC's frame: not compressed, of length 0.
const EMPTY = Buffer.alloc(5);
// HealthCheckResponse.status is field 1, and SERVING is 1.
const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

/** `address`: `unix://PATH` or `tcp://HOST:PORT`. False where nobody answers within `timeout` milliseconds. */
export async function isServing(address: string, tls: TlsFiles | undefined, timeout: number): Promise<boolean> {
  const { protocol, hostname, port, pathname } = new URL(address);
  const at = protocol === 'unix:' ? { path: pathname } : { host: hostname, port: Number(port) };
  return new Promise((resolve) => {
    const socket =
      tls === undefined
        ? createConnection(at)
        : connectTls({
            ...at,
            ALPNProtocols: ['h2'],
            ca: readFileSync(tls.ca),
            cert: readFileSync(tls.cert),
            key: readFileSync(tls.key),
          });
    const session = connect('http://buildkit', { createConnection: () => socket });
    const done = (serving: boolean): void => {
      clearTimeout(timer);
      resolve(serving);
      session.destroy();
    };
    const timer = setTimeout(() => done(false), timeout);
    session.on('error', () => done(false));
    session.on('close', () => done(false));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => done(false));
    stream.on('end', () => done(Buffer.concat(chunks).equals(SERVING)));
    stream.end(EMPTY);
  });
}
