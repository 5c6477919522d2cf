/** Taking one tag away from registries that can do more or less. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRegistryClient, digestOfBytes } from '@rebake/image';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { removeTag } from '../src/store/remove-tag.ts';
import type { Use } from '@rebake/sdk/building';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const IMAGE = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] }));

describe('removing a tag', () => {
  const manifests = new Map<string, Buffer>();
  const tags = new Map<string, string>();
  const seen: string[] = [];
  let deletes: number;
  let host: string;

  /** A registry that deletes manifests with all of their tags, or refuses to. */
  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const reference = decodeURIComponent(request.url!.slice('/v2/a/b/manifests/'.length));
    const digest = tags.get(reference) ?? reference;
    if (request.method === 'PUT') {
      const put = digestOfBytes(body);
      manifests.set(put, body);
      if (!reference.startsWith('sha256:')) tags.set(reference, put);
      response.writeHead(201, { 'docker-content-digest': put }).end();
    } else if (request.method === 'DELETE') {
      if (deletes === 202) {
        manifests.delete(digest);
        for (const [tag, of] of tags) if (of === digest) tags.delete(tag);
      }
      response.writeHead(deletes).end();
    } else {
      const bytes = manifests.get(digest);
      const headers = { 'content-type': INDEX, 'docker-content-digest': digest };
      response.writeHead(bytes ? 200 : 404, bytes ? headers : {}).end(request.method === 'HEAD' ? undefined : bytes);
    }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    seen.push(`${request.method} ${request.url!.slice(0, '/v2/a/b/manifests/rebake-1'.length)}`);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks)));
  });
  const client = createRegistryClient({ access: (name) => ({ host: name }), credentials: async () => null });
  const use = { signal: new AbortController().signal } as Use;
  const remove = (tag: string) => removeTag(client, { registry: host, repository: 'a/b' }, tag, use);

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await client.close();
    server.close();
  });
  beforeEach(() => {
    deletes = 202;
    seen.length = 0;
    const digest = digestOfBytes(IMAGE);
    manifests.clear();
    manifests.set(digest, IMAGE);
    tags.clear();
    for (const tag of ['rebake-1', 'rebake-2']) tags.set(tag, digest);
  });

  it('leaves the image and its other tags', async () => {
    await remove('rebake-1');
    expect([...tags]).toEqual([['rebake-2', digestOfBytes(IMAGE)]]);
    expect([...manifests.keys()]).toEqual([digestOfBytes(IMAGE)]);
  });

  it('does nothing where the tag is not there', async () => {
    await remove('rebake-3');
    expect(seen).toEqual(['HEAD /v2/a/b/manifests/rebake-3']);
  });

  it('puts the tag back where the registry does not delete, and says so', async () => {
    deletes = 405;
    await expect(remove('rebake-1')).rejects.toMatchObject({ error: { code: 'REGISTRY_REFUSED', retry: 'never' } });
    expect([...tags]).toEqual([
      ['rebake-1', digestOfBytes(IMAGE)],
      ['rebake-2', digestOfBytes(IMAGE)],
    ]);
  });
});
