/** An image in a layout, made of layers of the cache. */
import { createHash } from 'node:crypto';
import type { Cache } from '@rebake/cache';
import type { Digest, Layout } from '@rebake/image';
import type { Layer } from '../../src/index.ts';

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** Puts the layers, a config and a manifest into a layout, under a name. */
export async function imageOf(
  layout: Layout,
  cache: Cache,
  name: string,
  layers: readonly Layer[],
  cmd: readonly string[] = [],
): Promise<{ identity: Digest; manifest: Digest }> {
  const put = async (text: string): Promise<{ digest: Digest; size: number }> => {
    const bytes = Buffer.from(text);
    const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await layout.write({ digest }, once(bytes));
    return { digest, size: bytes.byteLength };
  };
  for (const { digest, size } of layers) await layout.link({ digest, size }, cache.path(digest));
  const config = await put(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/usr/bin:/bin'], Cmd: cmd },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  );
  const manifest = await put(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    }),
  );
  await layout.name(name, { mediaType: MANIFEST_TYPE, ...manifest });
  return { identity: config.digest, manifest: manifest.digest };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
