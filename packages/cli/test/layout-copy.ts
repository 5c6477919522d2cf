// Copies what the fake engine holds into the image layout that a builder of the project has: as if the embedded builder had built it.
import { zstdCompressSync } from 'node:zlib';
import { digestOfBytes, openLayout, type Digest, type Layout } from '@rebake/sdk';
import type { Rig } from './rig.ts';
import { LAYER, MANIFEST_TYPE } from './tiny-image.ts';

/** `compression`: of the one layer that all images have. */
export async function copyToLayout(project: Rig, compression: 'none' | 'zstd' = 'none'): Promise<Layout> {
  const layout = openLayout(project.path('.rebake/builders/docker/layout'));
  const put = async (content: string | Uint8Array): Promise<Digest> => {
    const digest = digestOfBytes(content);
    await layout.write({ digest }, one(Buffer.from(content)));
    return digest;
  };
  const zstd = zstdCompressSync(LAYER);
  for (const [name, identity] of project.engine.names) {
    const image = project.engine.images.get(identity);
    if (image === undefined) throw new Error(`${name} is an image that was never here`);
    for (const blob of image.blobs.values()) await put(blob);
    const manifest = JSON.parse(image.manifestText) as {
      layers: { mediaType: string; digest: Digest; size: number }[];
    };
    if (compression === 'zstd') {
      const mediaType = `${manifest.layers[0]?.mediaType}+zstd`;
      manifest.layers = [{ mediaType, digest: await put(zstd), size: zstd.byteLength }];
    }
    const text = JSON.stringify(manifest);
    await layout.name(name, { mediaType: MANIFEST_TYPE, digest: await put(text), size: Buffer.byteLength(text) });
  }
  return layout;
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
