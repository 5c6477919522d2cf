// Copies what the fake engine holds into the image layout that a builder of the project has: as if the embedded builder had built it.
import { digestOfBytes, openLayout, type Digest, type Layout } from '@rebake/sdk';
import type { Rig } from './rig.ts';
import { MANIFEST_TYPE } from './tiny-image.ts';

/** `zstd`: the layer is said to be compressed so, which nobody here looks into. */
export async function copyToLayout(project: Rig, compression: 'none' | 'zstd' = 'none'): Promise<Layout> {
  const layout = openLayout(project.path('.rebake/builders/docker/layout'));
  const put = async (text: string): Promise<Digest> => {
    const digest = digestOfBytes(text);
    await layout.write({ digest }, one(Buffer.from(text)));
    return digest;
  };
  for (const [name, identity] of project.engine.names) {
    const image = project.engine.images.get(identity);
    if (image === undefined) throw new Error(`${name} is an image that was never here`);
    for (const blob of image.blobs.values()) await put(blob);
    const type = compression === 'zstd' ? 'layer.v1.tar+zstd' : 'layer.v1.tar';
    const text = image.manifestText.replace('layer.v1.tar', type);
    await layout.name(name, { mediaType: MANIFEST_TYPE, digest: await put(text), size: Buffer.byteLength(text) });
  }
  return layout;
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
