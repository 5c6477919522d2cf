/** The image of an OCI layout or of an archive: its layers are taken over as they are. */
import type { Platform, Step } from '@rebake/image';
import { openImageArchive } from '@rebake/layers';
import { imageConfig } from '../config/parse.ts';
import type { Draft, Workbench } from '../draft.ts';

export async function layout(
  { files, name }: Extract<Step, { step: 'layout' }>,
  platform: Platform,
  draft: Draft,
  bench: Workbench,
): Promise<void> {
  const { cache, signal } = bench;
  const { config, layers } = await openImageArchive(cache, files, name, platform, signal);
  for (const layer of layers) {
    signal.throwIfAborted();
    const { digest, size } = layer;
    if ((await cache.has(digest)) === null) await cache.write({ digest, size }, layer.read());
    bench.onLayer(layer);
  }
  draft.takeOver(imageConfig(config), layers);
}
