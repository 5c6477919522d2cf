/** Layers as data: what is in them, and what they are called. */
import type { BlobRange, Digest } from '@rebake/image';

/** How a layer's tar is compressed. */
export type Compression = 'gzip' | 'zstd';

/** One entry of a layer. `path` is relative to the root of the image, POSIX, without `.`, `..` and a trailing slash. Time: that of {@link LAYER_TIME}. */
export type TreeEntry = {
  readonly path: string;
  /** Permission bits, `0o644`; setuid, setgid and sticky bits may be among them. Links have none. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
} & (
  | { readonly type: 'file'; readonly size: number; bytes(): Promise<Uint8Array> | AsyncIterable<Uint8Array> }
  | { readonly type: 'directory' }
  | { readonly type: 'symlink'; readonly target: string }
  /** `target` is the path of an earlier entry of the same layer. */
  | { readonly type: 'hardlink'; readonly target: string }
);

/** A layer that is in the cache, compressed. */
export interface Layer {
  /** Digest of its tar: what counts in an image's identity. */
  readonly diffId: Digest;
  /** Of the compressed blob. */
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
}

/** A layer of a parent: its blob may still be elsewhere. */
export interface LayerSource extends Layer {
  /** The compressed bytes; fetched into the cache when first asked for. */
  read(range?: BlobRange): AsyncIterable<Uint8Array>;
}

/** What a path is in an image, links in its folders followed. */
export interface Found {
  /** Where it really is. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Of a symbolic link, as it stands. */
  readonly target?: string;
}

/** The file system that layers make, whiteouts and all. Nothing is fetched before something is asked. */
export interface ImageFs {
  /** What is at a path (without a leading slash); links are followed, the last one too unless `follow` is false. Null: nothing. */
  stat(path: string, options?: { readonly follow?: boolean }): Promise<Found | null>;
  /** The bytes of a file, links followed. Null: there is none. Rejects with `IMAGE_INVALID` when it has more than `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  /** Names in a folder, sorted by bytes; empty where there is none. */
  list(path: string): Promise<readonly string[]>;
  /**
   * Writes files that `choose` picks (by path, without a leading slash) below a folder of this machine, with the exec bit and links that stay
   * inside, and nothing else of them: no owner, no device, no special bit. Returns how many.
   */
  extract(folder: string, choose: (path: string) => boolean, signal: AbortSignal): Promise<number>;
}
