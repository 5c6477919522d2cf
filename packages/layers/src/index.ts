/** Deterministic layers: writing and reading tar, compression, and the file system that layers make. */
export type { Compression, Found, ImageFs, Layer, LayerSource, TreeEntry } from './types.ts';
