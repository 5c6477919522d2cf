/** One entry of a tar as it is read. */

/**
 * `path`: relative, without `.`, `..` and a trailing slash; `''` is the root itself. `bytes` may be read once, before the next entry is asked
 * for; what is not read is skipped. It rejects with a `BuildFailure` `ARCHIVE_INVALID` where the archive ends too early.
 */
export interface TarEntry {
  readonly path: string;
  readonly type: TarType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 for all that are no files. */
  readonly size: number;
  /** Where a link leads: of a symbolic link as it stands, of a hard link a path like `path`. Else empty. */
  readonly target: string;
  /** Of a device: `major:minor`. Else empty. */
  readonly device: string;
  /** Where the content begins in the tar, in bytes. */
  readonly offset: number;
  bytes(): AsyncIterable<Uint8Array>;
}

export type TarType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';
