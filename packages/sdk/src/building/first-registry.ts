/** Bringing an image from one of the registries that have it. */
import type { Digest, Location, Output } from '@rebake/image';
import { failure } from './failures.ts';
import { pullReference } from './names.ts';

/** A place in a registry. */
export type RegistryLocation = Extract<Location, { readonly registry: string }>;

/**
 * Tries the registries of an image in their order until `pull` brings it, which resolves to the identity of what came. Rejects with the last failure,
 * with `IDENTITY_MISMATCH` for another image, with `IMAGE_MISSING` where no registry is known to have it.
 */
export async function fromFirstRegistry(
  image: Output,
  signal: AbortSignal,
  pull: (at: RegistryLocation) => Promise<Digest | null>,
): Promise<RegistryLocation> {
  let last: unknown = failure('IMAGE_MISSING', 'never', `${image.identity} is not known to be in any registry`);
  for (const at of image.at) {
    if (!('registry' in at)) continue;
    try {
      const identity = await pull(at);
      if (identity === image.identity) return at;
      last = failure(
        'IDENTITY_MISMATCH',
        'never',
        `${pullReference(at)} is ${identity ?? 'nothing'}, not ${image.identity}`,
      );
    } catch (error) {
      signal.throwIfAborted();
      last = error;
    }
  }
  throw last;
}
