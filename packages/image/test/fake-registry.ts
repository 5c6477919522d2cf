// A registry for the edge cases that no real one shows on demand: a handler a test, every request noted.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  createRegistryClient,
  digestOfBytes,
  type Digest,
  type RegistryClient,
  type RegistryClientOptions,
} from '../src/index.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The connection breaks after so many bytes of the body. */
  readonly cutAfter?: number;
}

export type Handler = (request: Received) => Reply | 'hang up' | Promise<Reply>;

export interface Fake extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly requests: Received[];
  /** `METHOD path` of each request so far. */
  log(): string[];
}

/** Serves `handle` on a port of its own. */
export async function serve(handle: Handler): Promise<Fake> {
  const requests: Received[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const received: Received = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: (await buffer(request)).toString('utf8'),
    };
    requests.push(received);
    const reply = await handle(received);
    if (reply === 'hang up') {
      request.socket.destroy();
      return;
    }
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    if (reply.cutAfter !== undefined) {
      // Only what has left before is seen on the other side.
      const part = Buffer.from(reply.body ?? '').subarray(0, reply.cutAfter);
      response.write(part, () => request.socket.destroy());
      return;
    }
    response.end(request.method === 'HEAD' ? undefined : reply.body);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    requests,
    log: () => requests.map(({ method, path }) => `${method} ${path}`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client that waits for nothing between tries; `pauses` gets what it would have waited. */
export function client(
  options: Partial<RegistryClientOptions> & { readonly pauses?: number[] } = {},
): RegistryClient & AsyncDisposable {
  const made = createRegistryClient({
    access: (host) => ({ host }),
    credentials: async () => null,
    env: {},
    pause: async (ms) => void options.pauses?.push(ms),
    ...options,
  });
  return { ...made, [Symbol.asyncDispose]: async () => made.close() };
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** A tiny image as bytes. */
export interface TinyImage {
  readonly manifest: Digest;
  readonly manifestBytes: string;
  readonly identity: Digest;
  readonly blobs: ReadonlyMap<Digest, string>;
  readonly diffIds: readonly Digest[];
}

/** Layers are not real archives: registries do not look. */
export function tinyImage(architecture = 'amd64', layers: readonly string[] = ['a layer']): TinyImage {
  const diffIds = layers.map((layer) => digestOfBytes(layer));
  const config = JSON.stringify({
    os: 'linux',
    architecture,
    rootfs: { type: 'layers', diff_ids: diffIds },
    config: { Env: ['A=b'] },
  });
  const blobs = new Map([config, ...layers].map((blob) => [digestOfBytes(blob), blob]));
  const descriptor = (mediaType: string, blob: string) => ({
    mediaType,
    digest: digestOfBytes(blob),
    size: Buffer.byteLength(blob),
  });
  const manifestBytes = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar', layer)),
  });
  return { manifest: digestOfBytes(manifestBytes), manifestBytes, identity: digestOfBytes(config), blobs, diffIds };
}

/** An index of images, by architecture. */
export function tinyIndex(images: Readonly<Record<string, TinyImage>>): {
  readonly digest: Digest;
  readonly bytes: string;
} {
  const manifests = Object.entries(images).map(([architecture, { manifest, manifestBytes }]) => ({
    mediaType: MANIFEST_TYPE,
    digest: manifest,
    size: manifestBytes.length,
    platform: { os: 'linux', architecture },
  }));
  const bytes = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests });
  return { digest: digestOfBytes(bytes), bytes };
}

/** The reply of a registry that has a manifest. */
export function manifestReply(bytes: string, type = MANIFEST_TYPE): Reply {
  return { status: 200, headers: { 'content-type': type, 'docker-content-digest': digestOfBytes(bytes) }, body: bytes };
}

/** The reply of a registry that refuses, as the distribution spec has it. */
export function errorReply(status: number, code: string, message: string, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: JSON.stringify({ errors: [{ code, message }] }) };
}
