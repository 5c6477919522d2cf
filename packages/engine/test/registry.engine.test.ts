// Publishing and observing with the real registry client and a real registry; only the builder is a stand-in, which pushes empty images.
import { candidateTag, createRegistryClient, digestOfBytes } from '@rebake/sdk';
import type { Digest, Job, Output } from '@rebake/sdk';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { Bench } from './support/bench.ts';
import { FakeBuilder } from './support/fake-builder.ts';
import { memoryStore } from './support/memory-store.ts';
import { id, image, publication } from './support/nodes.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

/** Makes images without layers, and really pushes them. */
class EmptyImages extends FakeBuilder {
  override async build(job: Job, ctx: Parameters<FakeBuilder['build']>[1]): Promise<Output> {
    const { identity, at } = await super.build(job, ctx);
    const real = digestOfBytes(configOf(identity));
    for (const place of at) if ('engine' in place) this.names.set(place.name, real);
    this.#configs.set(real, configOf(identity));
    return { identity: real, at };
  }

  readonly #configs = new Map<Digest, string>();

  override async push(output: Output, to: { registry: string; repository: string; key: Digest }): Promise<Digest> {
    const config = this.#configs.get(output.identity) ?? '';
    const repository = `http://${to.registry}/v2/${to.repository}`;
    const upload = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' });
    const place = new URL(upload.headers.get('location') ?? '', `http://${to.registry}`);
    place.searchParams.set('digest', output.identity);
    await fetch(place, { method: 'PUT', body: config, headers: { 'content-type': 'application/octet-stream' } });
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: CONFIG, digest: output.identity, size: config.length },
      layers: [],
    });
    const put = await fetch(`${repository}/manifests/${candidateTag(to.key)}`, {
      method: 'PUT',
      body: manifest,
      headers: { 'content-type': MANIFEST },
    });
    expect(put.status).toBe(201);
    return digestOfBytes(manifest);
  }
}

function configOf(seed: string): string {
  return JSON.stringify({ architecture: 'amd64', os: 'linux', author: seed, rootfs: { type: 'layers', diff_ids: [] } });
}

describeEngine('a real registry', ['plain'], (state) => {
  test('is published to, observed in full, moved back, copied within, and adopted from', async () => {
    const host = state.registries.plain.address;
    const repository = `engine-test/${randomUUID()}`;
    const registry = createRegistryClient({
      access: (name) => ({ host: name, insecure: true }),
      credentials: () => Promise.resolve(null),
    });
    const bench = new Bench({}, { registry, builder: (fake) => new EmptyImages('engine-1', fake) });
    const tags = Array.from({ length: 50 }, (_, n) => `tag-${n}`);
    const nodes = [
      image('base', []),
      publication('base', host, repository, ['base']),
      ...tags.flatMap((tag) => [image(tag, ['base']), publication(tag, host, repository, [tag])]),
    ];
    try {
      expect((await bench.run(nodes)).counts).toMatchObject({ built: 51, published: 51, failed: 0 });
      expect(await bench.efforts(nodes)).toEqual({});

      const at = { registry: host, repository };
      const signal = new AbortController().signal;
      const other = await registry.resolve({ ...at, reference: 'tag-1' }, { signal });
      if (other.seen !== 'yes') throw new Error('tag-1 was not published');
      await registry.tag({ ...at, manifest: other.value.manifest }, 'tag-0', { signal });
      const { plan } = await bench.plan(nodes);
      expect(plan.actions.flatMap(({ reasons }) => reasons.map(({ cause }) => cause.code))).toEqual(['TAG_MOVED']);
      expect((await bench.run(nodes)).counts).toMatchObject({ built: 0, published: 1 });
      expect(await bench.efforts(nodes)).toEqual({});

      bench.builder.names.clear();
      const more = [...nodes, publication('tag-5', host, `${repository}-more`, ['copied'])];
      expect((await bench.run(more)).counts).toMatchObject({ built: 0, published: 1, failed: 0 });
      const copied = await registry.resolve(
        { registry: host, repository: `${repository}-more`, reference: 'copied' },
        { signal },
      );
      expect(copied).toMatchObject({
        seen: 'yes',
        value: { identity: bench.store.entries.get(id('tag-5'))?.output.identity },
      });

      bench.builder.names.clear();
      bench.store = memoryStore('another-machine');
      expect((await bench.run(nodes)).counts).toMatchObject({ adopted: 102, built: 0, published: 0, failed: 0 });
    } finally {
      bench.close();
      await registry.close();
    }
  });
});
