/** Files that two wheels bring, each with another content: said, since the environment then depends on who comes last. */
import { compareBytes, digestOf, type Digest } from '@rebake/image';
import type { Means, PythonEnvRequest } from '../types.ts';
import { LAYOUT_VERSION } from '../wheel/layout.ts';
import { listingOf, type CachedWheel, type Listing } from './write.ts';

/** A wheel of an environment. */
export interface Contributor {
  readonly name: string;
  readonly digest: Digest;
  /** What it has in folders that all wheels share. */
  readonly tops: readonly string[];
  readonly fetch: (signal: AbortSignal) => Promise<CachedWheel>;
}

/** At most so many are named a pair. */
const SHOWN = 3;

/**
 * Says of each pair of wheels, given in the order of their layers, which files both bring with other content: `PACKAGE_CONFLICT`. Wheels are
 * only opened where they share a folder, and once a pair.
 */
export async function warnOfConflicts(
  wheels: readonly Contributor[],
  request: PythonEnvRequest,
  means: Means,
): Promise<void> {
  const byTop = new Map<string, number[]>();
  for (const [i, { tops }] of wheels.entries()) {
    for (const top of tops) {
      const others = byTop.get(top);
      if (others === undefined) byTop.set(top, [i]);
      else others.push(i);
    }
  }
  const pairs = new Map<string, readonly [Contributor, Contributor]>();
  for (const sharing of byTop.values()) {
    for (const [k, j] of sharing.entries()) {
      for (const i of sharing.slice(0, k)) {
        const [below, above] = [wheels[i], wheels[j]];
        if (below !== undefined && above !== undefined) pairs.set(`${i} ${j}`, [below, above]);
      }
    }
  }
  const listings = new Map<Digest, Promise<Listing>>();
  const listing = async (wheel: Contributor): Promise<Listing> => {
    const known = listings.get(wheel.digest);
    if (known !== undefined) return known;
    const paths = { prefix: request.prefix, interpreter: request.interpreter };
    const made = wheel.fetch(means.signal).then(async (here) => listingOf(means.cache, here, paths));
    listings.set(wheel.digest, made);
    return made;
  };
  for (const [below, above] of pairs.values()) {
    const shared = await means.cache.once<readonly string[]>(
      'python-conflicts',
      digestOf([LAYOUT_VERSION, below.digest, above.digest, request.prefix, request.interpreter]),
      async () => {
        const [a, b] = await Promise.all([listing(below), listing(above)]);
        const paths = [...b].filter(([path, hash]) => a.has(path) && a.get(path) !== hash).map(([path]) => path);
        return { value: paths.toSorted(compareBytes), blobs: [] };
      },
      means.signal,
    );
    if (shared.length === 0) continue;
    const more = shared.length > SHOWN ? ` and ${shared.length - SHOWN} more` : '';
    means.log(
      `PACKAGE_CONFLICT: ${below.name} and ${above.name} both bring ${shared.slice(0, SHOWN).join(', ')}${more}, with other content; what ${above.name} brings is there`,
    );
  }
}
