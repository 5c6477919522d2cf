/** One content-addressed cache of this machine: blobs by digest, what was derived from them, downloads, and pruning. */
export type { Cache, CacheWriter, Derived, Env, Fact } from './types.ts';
export { openCache } from './cache.ts';
export { cacheDir } from './place.ts';
export type { DocumentOptions, Download, DownloadAccess, Downloader, Login } from './download/types.ts';
export { createDownloader } from './download/downloader.ts';
export type { PruneItem, PruneKept, PruneOptions, PrunePlan, Pruned, PruneRow, PruneWhy } from './prune/types.ts';
export { planPrune } from './prune/plan.ts';
export { carryOutPrune } from './prune/carry-out.ts';
