/** An abort at the worst moment: when all bytes of an answer are there, and nobody has said so yet. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createRegistryClient, digestOfBytes, type BlobSink } from '../src/index.ts';

it('ends a download, and not the process, while the last bytes are in hand', async () => {
  const config = Buffer.from('{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]}}');
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: digestOfBytes(config),
    size: config.byteLength,
  };
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: descriptor, layers: [] }));
  const server = createServer((request, answer) => {
    const isManifest = request.url?.includes('/manifests/') === true;
    const body = isManifest ? manifest : config;
    answer.writeHead(200, { 'content-type': mediaType, 'content-length': body.byteLength }).end(body);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createRegistryClient({ access: (host) => ({ host }), credentials: async () => null });
  const abort = new AbortController();
  const reason = new Error('enough');
  const sink: BlobSink = {
    has: async () => null,
    async write(_expected, bytes) {
      for await (const _chunk of bytes) abort.abort(reason);
    },
  };
  try {
    const at = { registry, repository: 'a', manifest: digestOfBytes(manifest) };
    await expect(client.download(at, sink, { signal: abort.signal })).rejects.toBe(reason);
  } finally {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
