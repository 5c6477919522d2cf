/** What an image is built FROM, and whether it was. */
import type { Digest, Location, Output } from '@rebake/image';
import { failure } from './failures.ts';
import { parseName, pullReference } from './names.ts';

/** What a FROM line says. */
export interface From {
  readonly text: string;
  /** Whether it names an image of this engine. */
  readonly local: boolean;
}

/** An image as an engine has it. */
export interface LayeredImage {
  readonly id: Digest;
  /** Digests of its uncompressed layers, lowest first. */
  readonly layers: readonly Digest[];
}

/** What a FROM line says of an image: a name in this engine, else a place in a registry by digest. Throws `PARENT_MISSING` where it is in neither. */
export function fromReference(image: Output, engineId: string): From {
  const here = image.at.find(
    (at): at is Extract<Location, { engine: string }> => 'engine' in at && at.engine === engineId,
  );
  if (here) {
    const { repository, tag } = parseName(here.name);
    return { text: `${repository}:${tag}`, local: true };
  }
  for (const at of image.at) {
    if ('registry' in at) return { text: pullReference(at), local: false };
  }
  throw failure('PARENT_MISSING', 'never', `${image.identity} is neither in this engine nor in a registry`);
}

/** Throws `PARENT_NOT_BELOW` if an image does not begin with the layers of its parent, where that is known. */
export function checkBelow(parent: LayeredImage | null, built: LayeredImage): void {
  if (!parent || parent.layers.every((layer, index) => built.layers[index] === layer)) return;
  throw failure(
    'PARENT_NOT_BELOW',
    'never',
    `${built.id} does not begin with the layers of ${parent.id}, from which it was to be built`,
  );
}
