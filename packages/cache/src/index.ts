/** One content-addressed cache of this machine: blobs by digest, what was derived from them, downloads, and pruning. */
export type { Cache, CacheWriter, Derived, Fact } from './types.ts';
