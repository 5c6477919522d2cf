/** Deterministic layers: writing and reading tar, compression, and the file system that layers make. */
export type { Compression, Found, ImageFs, Layer, LayerSource, TreeEntry } from './types.ts';
export { LAYER_TIME } from './tar/header.ts';
export { writeLayer } from './write.ts';
export type { WriteOptions } from './write.ts';
export { recompress } from './recompress.ts';
export { importTar } from './import.ts';
export { readTar } from './tar/read.ts';
export type { TarEntry } from './tar/entry.ts';
export { decompress } from './decompress.ts';
export { DEFAULT_LIMITS } from './limits.ts';
export type { Limits, ReadOptions } from './limits.ts';
export { openImageFs } from './fs/image-fs.ts';
export { openImageArchive } from './archive/open.ts';
export type { ArchivedImage } from './archive/open.ts';
export { groupParts } from './group.ts';
export { withParents } from './parents.ts';
export type { FolderFacts, ParentOptions } from './parents.ts';
