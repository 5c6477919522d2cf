/** The options of a builder of kind `buildkit`. How they are checked is in options-check.ts. */
import type { Platform } from '@rebake/image';
import type { BuildkitAddress, TlsPaths } from './reach/index.ts';

/** Files for ssh, besides what the user's own config says. Paths are absolute, or relative to the working directory. */
export interface SshFiles {
  /** A config in place of the user's and the machine's, as `ssh -F`. */
  readonly config?: string;
  /** A key besides those of the config, as `ssh -i`. */
  readonly identity?: string;
}

/** One daemon, as a declaration has it. */
export interface EndpointOptions {
  /**
   * `unix:///path`, `tcp://host:port`, `docker-container://NAME`, `podman-container://NAME`, `kube-pod://POD` or `ssh://[user@]host[:port]`.
   * Default, where there is one daemon only: `$BUILDKIT_HOST`, else `unix:///run/buildkit/buildkitd.sock`.
   */
  readonly address?: string;
  /** Only with tcp. */
  readonly tls?: TlsPaths;
  /** Only with ssh, and with containers of an engine that is reached by ssh. */
  readonly ssh?: SshFiles;
  /** Builds at once. Default 4. */
  readonly parallel?: number;
  /** Platforms that it may build for. Default: all that it says it can. */
  readonly platforms?: readonly Platform[];
}

/** How layers are compressed. */
export interface Compression {
  readonly type: 'gzip' | 'zstd';
  /** 0 to 9 for gzip, 0 to 22 for zstd. Default: BuildKit's. */
  readonly level?: number;
  /** Also layers of the parent that are there in another compression. Default false. */
  readonly force?: boolean;
}

/** Where a daemon looks for, and leaves, the steps of builds of the same image. */
export type Cache =
  /** In the image itself: its identity then follows the time of its build. */
  | { readonly type: 'inline' }
  /** Beside it, in a repository (`host/path`), under one tag an image. `min`: layers of the image; `max` (default): of all stages. */
  | { readonly type: 'registry'; readonly repository: string; readonly mode?: 'min' | 'max' };

/** What a declaration may say. */
export interface BuildkitOptions extends EndpointOptions {
  /** Several daemons, instead of the fields of one. */
  readonly endpoints?: readonly (EndpointOptions & { readonly address: string })[];
  /** `host/path` of a registry: candidates are kept there, as tags. Every machine that names the same repository shares them. */
  readonly repository?: string;
  /** A folder: candidates are kept there, as an OCI image layout. Default, without `repository`: one in the project's data. */
  readonly layout?: string;
  /** Default: gzip, which every engine reads. */
  readonly compression?: Compression['type'] | Compression;
  readonly cache?: Cache;
  /** An attestation of how the image was built. Default false. */
  readonly provenance?: false | 'min' | 'max';
  /** An attestation of what is in the image, by BuildKit's own generator or the image of another one. Default false. */
  readonly sbom?: boolean | { readonly generator: string };
  /** Runs every step anew. Default false. */
  readonly noCache?: boolean;
}

/** One daemon, checked. */
export interface EndpointSettings {
  /** Null: what the environment says. */
  readonly address: BuildkitAddress | null;
  readonly tls?: TlsPaths;
  readonly ssh?: SshFiles;
  readonly parallel: number;
  /** Null: all that it can. */
  readonly platforms: readonly Platform[] | null;
}

/** A repository of a registry. */
export interface RepositoryPath {
  readonly registry: string;
  readonly repository: string;
}

/** What images are made with, checked. */
export interface ExportSettings {
  readonly compression: Compression;
  readonly cache:
    | { readonly type: 'inline' }
    | { readonly type: 'registry'; readonly at: RepositoryPath; readonly mode: 'min' | 'max' }
    | null;
  readonly provenance: 'min' | 'max' | null;
  /** Null: none; an empty text: BuildKit's own generator. */
  readonly sbom: string | null;
  readonly noCache: boolean;
}

/** All options, checked. */
export interface BuildkitSettings extends ExportSettings {
  readonly endpoints: readonly EndpointSettings[];
  /** Null: the layout that belongs to the project. */
  readonly store: { readonly repository: RepositoryPath } | { readonly layout: string } | null;
}

/** Builds at once on a daemon whose `parallel` is not said. */
export const DEFAULT_PARALLEL = 4;
