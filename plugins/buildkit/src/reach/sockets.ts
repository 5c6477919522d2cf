/** Connections to daemons that listen themselves: at a socket, or at a port with or without TLS. */
import { readFile } from 'node:fs/promises';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { connectFailure } from '@rebake/buildkit';
import { failure } from '@rebake/sdk/building';
import type { TlsPaths } from './options.ts';

/** Connects to a socket, or to a port without TLS. */
export function connectPlain(at: { path: string } | { host: string; port: number }, shown: string): Promise<Socket> {
  return open(() => connect(at), 'connect', shown);
}

/**
 * Connects to a port with TLS. The files are read anew each time: certificates are renewed. Whether the daemon takes ours may only be known
 * later: with TLS 1.3 it says so after the handshake.
 */
export async function connectWithTls(host: string, port: number, paths: TlsPaths, shown: string): Promise<Socket> {
  const options: ConnectionOptions = { ...(await identityOf(paths)), host, port, ALPNProtocols: ['h2'] };
  const name = paths.serverName ?? (isIP(host) === 0 ? host : undefined);
  return open(
    () => connectTls(name === undefined ? options : { ...options, servername: name }),
    'secureConnect',
    shown,
  );
}

async function identityOf({ ca, cert, key }: TlsPaths): Promise<ConnectionOptions> {
  const [authorities, certificate, secret] = await Promise.all([ca, cert, key].map(readPem));
  return {
    ...(authorities ? { ca: authorities } : {}),
    ...(certificate ? { cert: certificate } : {}),
    ...(secret ? { key: secret } : {}),
  };
}

async function readPem(file: string | undefined): Promise<Buffer | null> {
  if (file === undefined) return null;
  try {
    return await readFile(file);
  } catch (cause) {
    const words = `cannot read ${file}, which the TLS connection to BuildKit needs`;
    throw failure('ENGINE_UNREACHABLE', 'never', words, cause);
  }
}

function open<S extends Socket>(start: () => S, event: 'connect' | 'secureConnect', shown: string): Promise<S> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(connectFailure(error, shown) as Error);
    let socket: S;
    try {
      socket = start();
    } catch (error) {
      // Certificates and keys that are none, or do not go together.
      reject(failure('ENGINE_UNREACHABLE', 'never', `${shown}: TLS files: ${String(error)}`, error));
      return;
    }
    socket.once('error', fail);
    socket.once(event, () => {
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
