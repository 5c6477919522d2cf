/** Where the blobs of images were seen last, registry by registry: kept in the cache of the machine, so that the next process mounts them from there. */
import type { Cache } from '@rebake/cache';
import { BuildFailure, type BlobMemory } from '@rebake/image';

const KIND = 'registry-blob';

/** A memory in the cache. What it cannot keep or find is not known: a push does without. */
export function blobMemory(cache: Cache): BlobMemory {
  return {
    async recall(host, digest) {
      return hint(async () => cache.recall<string>(KIND, `${host} ${digest}`));
    },
    async keep(host, digest, repository) {
      await hint(async () => cache.keep(KIND, `${host} ${digest}`, { value: repository, blobs: [] }));
    },
  };
}

async function hint<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof BuildFailure) return null;
    throw error;
  }
}
