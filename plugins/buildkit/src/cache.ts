/** The caches that builds of one image leave in a registry for those that come after them, on whatever daemon. */
import type { Entry } from '@rebake/buildkit';
import { BuildFailure } from '@rebake/image';
import type { RepositoryAt } from '@rebake/image';
import type { Job } from '@rebake/sdk';
import type { Held, Registries, Use } from '@rebake/sdk/building';
import type { ExportSettings, RepositoryPath } from './options.ts';
import type { CacheEntries } from './request.ts';

/** What a job takes from the cache of its image, and what it leaves there. */
export interface JobCache {
  readonly entries: CacheEntries;
  /** To be called with the image when it has its name. */
  keep(held: Held): Promise<void>;
}

/**
 * The cache of a job: under one tag an image. It is asked for only where it is there: a daemon would count a missing one among the errors of
 * the build. Nothing about a cache makes a build fail.
 */
export async function cacheOf(
  job: Job,
  settings: ExportSettings,
  store: RepositoryPath | null,
  registries: Registries,
  use: Use,
): Promise<JobCache> {
  const { cache, compression } = settings;
  const at = cache?.type === 'registry' ? cache.at : store;
  if (!cache || !at) return { entries: { imports: [], exports: [] }, keep: () => Promise.resolve() };
  const tag = job.series;
  const place = {
    ref: `${at.registry}/${at.repository}:${tag}`,
    ...(use.registry(at.registry).insecure === true ? { 'registry.insecure': 'true' } : {}),
  };
  const imports: Entry[] = (await isThere(at, tag, registries, use)) ? [{ type: 'registry', attributes: place }] : [];
  if (cache.type === 'inline') {
    return {
      entries: { imports, exports: [{ type: 'inline', attributes: {} }] },
      keep: (held) =>
        harmless(use, place.ref, () =>
          registries.client(use).tag({ ...at, manifest: held.top }, tag, { signal: use.signal }),
        ),
    };
  }
  const attributes = {
    ...place,
    mode: cache.mode,
    'image-manifest': 'true',
    'oci-mediatypes': 'true',
    'ignore-error': 'true',
    compression: compression.type,
    ...(compression.level === undefined ? {} : { 'compression-level': String(compression.level) }),
  };
  return { entries: { imports, exports: [{ type: 'registry', attributes }] }, keep: () => Promise.resolve() };
}

async function isThere(at: RepositoryAt, tag: string, registries: Registries, use: Use): Promise<boolean> {
  const seen = await registries.client(use).head({ ...at, reference: tag }, { signal: use.signal });
  if (seen.seen === 'unknown') report(use, `${at.registry}/${at.repository}:${tag}`, seen.why.words);
  return seen.seen === 'yes';
}

async function harmless(use: Use, ref: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    use.signal.throwIfAborted();
    if (!(error instanceof BuildFailure)) throw error;
    report(use, ref, error.error.words);
  }
}

function report(use: Use, ref: string, words: string): void {
  use.emit({ type: 'log', text: `rebake: the cache ${ref} is left aside: ${words}` });
}
