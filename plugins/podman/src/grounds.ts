/** The images that a build stands on: each made present in the engine before it begins, so that the build itself asks no registry. */
import type { Output } from '@rebake/image';
import { failure, fromReference, nameHere } from '@rebake/sdk/building';
import type { LayeredImage } from '@rebake/sdk/building';
import type { Ctx } from '@rebake/sdk';
import type { Podman } from './podman.ts';
import { pullImage } from './transfer.ts';

/**
 * An image as this engine has it. One that is here has to be here under its name; one that is in a registry is pulled if it is not here yet, with
 * the login and the TLS of that registry, of which a build could be told for all registries at once only.
 */
export async function present(podman: Podman, image: Output, ctx: Ctx): Promise<LayeredImage> {
  const { id: engineId } = await podman.info(ctx.signal);
  // Also refuses an image that is nowhere.
  const { text, local } = fromReference(image, engineId);
  if (local) {
    const found = await podman.image(text, ctx.signal);
    if (found?.id === image.identity) return found;
    const words = found ? `${text} is ${found.id} by now, not ${image.identity}` : `Podman has no ${text} any more`;
    throw failure('PARENT_MISSING', 'never', `${words}; plan again`);
  }
  const here = await podman.image(image.identity, ctx.signal);
  if (here) return here;
  return (await pullImage(podman, image, ctx)).image;
}

/** An image under its name here; null where there is none. */
export async function look(
  podman: Podman,
  at: Parameters<typeof nameHere>[0],
  { signal }: Pick<Ctx, 'signal'>,
): Promise<Output | null> {
  const { id } = await podman.info(signal);
  const name = nameHere(at, id);
  if (name === null) return null;
  const found = await podman.image(name, signal);
  return found && { identity: found.id, at: [{ engine: id, name }] };
}
