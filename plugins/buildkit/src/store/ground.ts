/** Images in registries as the ground of a build: looked at before a daemon is sent there. */
import { BuildFailure } from '@rebake/image';
import type { Output, Platform } from '@rebake/image';
import { failure, pullReference } from '@rebake/sdk/building';
import type { Registries, Use } from '@rebake/sdk/building';
import type { Ground } from './store.ts';

/**
 * The first registry of an image that holds it, as the ground of a build. One that this machine cannot ask is left to the daemon: it may well
 * reach it, and gets the digest. Throws `PARENT_MISSING` where there is none.
 */
export async function groundInRegistry(
  image: Output,
  platform: Platform,
  registries: Registries,
  use: Use,
): Promise<Ground> {
  for (const at of image.at) {
    if (!('registry' in at)) continue;
    const text = pullReference(at);
    const place = { registry: at.registry, repository: at.repository };
    try {
      const held = await registries.find({ ...place, reference: at.manifest }, platform, use);
      if (held?.identity !== image.identity) continue;
      return { text, attributes: {}, below: await registries.layersOf(place, held, use) };
    } catch (error) {
      use.signal.throwIfAborted();
      if (!(error instanceof BuildFailure)) throw error;
      if (error.error.code === 'PLATFORM_MISSING') continue;
      return { text, attributes: {}, below: null };
    }
  }
  throw failure('PARENT_MISSING', 'never', `${image.identity} is not where it was; plan again`);
}
