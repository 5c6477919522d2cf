/** Images as one archive, for tools that load files. */
import type { Cache } from '@rebake/cache';
import type { Digest, Layout, Platform } from '@rebake/image';

/** `docker`: an OCI layout that holds Docker's own list as well, for Docker, Podman and skopeo; `oci`: an OCI layout and nothing else. */
export type ExportFormat = 'docker' | 'oci';

/** An image of a layout, and what it is called in the archive. */
export interface ImageToExport {
  readonly layout: Layout;
  /** A name of the layout, or the digest of a manifest or an index. */
  readonly reference: string;
  readonly platform?: Platform;
  /** `repository:tag`, with or without a registry; none: tools load it under its digest. */
  readonly tags: readonly string[];
}

export interface ExportOptions {
  readonly format: ExportFormat;
  /** Layers that are zstd are compressed as gzip in this cache; absent: they go as they are. */
  readonly gzip?: Cache;
  readonly signal: AbortSignal;
}

/** One image as it goes into the archive. */
export interface ExportedImage {
  /** What Docker and Podman call its ID. */
  readonly identity: Digest;
  readonly manifest: Digest;
  readonly tags: readonly string[];
  /** Of its layers, in bytes, compressed. */
  readonly bytes: number;
  readonly layers: number;
  /** Layers that Docker 20.10 and older cannot load. */
  readonly zstdLayers: number;
}

/** An archive whose every byte is decided; the same images give the same bytes. */
export interface PreparedExport {
  readonly images: readonly ExportedImage[];
  /** Of the archive, in bytes. What images share is in it once. */
  readonly size: number;
  /** The archive, read while it is asked for. Rejects with `BLOB_MISMATCH` when a blob is not what its digest says. */
  bytes(): AsyncIterable<Uint8Array>;
}
