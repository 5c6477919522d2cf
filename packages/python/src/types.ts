/** What an environment is made from, and what making it needs of the machine. */
import type { Cache, Downloader, Env } from '@rebake/cache';
import type { Digest, LockedPackage, Platform } from '@rebake/image';
import type { Compression, ImageFs, Layer } from '@rebake/layers';

/** A virtual environment as it is wanted. */
export interface PythonEnvRequest {
  /** Absolute path in the image, such as `/opt/dataiku/code-env`. */
  readonly prefix: string;
  /** `3.11`: found on `path` as `python3.11`. */
  readonly interpreter: string;
  /** All packages of the lock; those whose marker does not hold here are left out. */
  readonly locked: readonly LockedPackage[];
  /** The newest glibc that wheels may need, such as `2.36`. */
  readonly glibc: string;
  readonly platform: Platform;
  /** Whether bytecode is made, by the image's own interpreter. */
  readonly bytecode: boolean;
  readonly compression: Compression;
  /** The parent's file system, with the interpreter in it. */
  readonly fs: ImageFs;
  /** The parent's config digest: what is found in `fs` is remembered by it. */
  readonly identity: Digest;
  /** The parent's PATH, as absolute folders. */
  readonly path: readonly string[];
}

/** A program that builds, and all of its environment. */
export interface BuildTool {
  /** Absolute path, or a name on the PATH of `env`. */
  readonly path: string;
  readonly env: Env;
}

/** What work of this package needs of the machine. */
export interface Means {
  readonly cache: Cache;
  readonly download: Downloader;
  readonly signal: AbortSignal;
  /** Told of what people may want to know, a line each. */
  readonly log: (line: string) => void;
  /** Environment of this process: PATH, and what tools like uv and pip are set up by. */
  readonly env: Env;
  /** Told of each layer as soon as it is there, in no order. */
  readonly onLayer?: (layer: Layer) => void;
  /** The most layers that an environment may have, its skeleton included. At least 2. Default: 60. */
  readonly maxLayers?: number;
  /** uv for source archives, and the environment that it needs, logins and all; asked for when one is built. Default: `pip` of a Python of this machine builds them. */
  readonly uv?: () => Promise<BuildTool>;
}

/** A wheel that came out of a source archive. */
export interface BuiltWheel {
  /** File name. */
  readonly name: string;
  /** It is in the cache by this. */
  readonly wheel: Digest;
  readonly size: number;
  /** Whether it fits any interpreter and platform (`py3-none-any`). */
  readonly pure: boolean;
}
