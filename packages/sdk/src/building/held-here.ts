/** Looking for an image among those that a builder keeps itself. */
import type { Output } from '@rebake/image';
import type { Held } from './registries.ts';

/** The image of a store that is meant, if one of its names still leads to it. */
export async function heldHere<T extends Pick<Held, 'identity'>>(
  image: Output,
  engine: string,
  look: (name: string) => Promise<T | null>,
): Promise<{ readonly name: string; readonly held: T } | null> {
  for (const at of image.at) {
    if (!('engine' in at) || at.engine !== engine) continue;
    const held = await look(at.name);
    if (held?.identity === image.identity) return { name: at.name, held };
  }
  return null;
}
