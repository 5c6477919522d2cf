/** The nodes of the build graph: three closed roles; kinds, inputs and specs come from a domain. */
import type { Digest, ImageSpec, Platform } from '@rebake/image';

/**
 * Name of a node, stable over runs: `env/python/glm@python#linux/amd64`, `base/python#linux/amd64`,
 * `publication/registry.example.com/dss/cpu/pyenv-glm`, `external/REF#linux/amd64`.
 */
export type NodeId = string & { readonly brand: 'NodeId' };

/** A place in a declaration. Line and column count from 1; `path` is the path of keys, such as `codeEnvs.glm.packages`. */
export interface Where {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  /** Name of the source that declares it, where it does not stand in the file: the place is then where the source is declared, and `path` the one inside. */
  readonly source?: string;
}

/** One input: what counts is the digest. `shown` is a short text for people, never secret. */
export interface Input {
  readonly digest: Digest;
  readonly shown?: string;
  readonly at?: Where;
}

/** The ledger of a node: everything of its own that decides its contents, `key → digest`, closed and documented by the domain. */
export type Inputs = Readonly<Record<string, Input>>;

interface Common {
  readonly id: NodeId;
  /** The domain's word, such as `base image`; the kernel only shows it. */
  readonly kind: string;
  readonly inputs: Inputs;
  /** Nodes whose identities count in this node's key, in the order in which they count. */
  readonly parents: readonly NodeId[];
  /** Where the declaration asks for this node. */
  readonly because: readonly Where[];
}

/** Something that rebake does not build: an image of somebody else's, followed by reference. */
export type External = Common & { readonly role: 'external'; readonly ref: string; readonly platform: Platform };

/** An image to build. Its first image parent (if any) is what it is built FROM; externals pin the FROM lines of a Dockerfile. */
export type Image = Common & {
  readonly role: 'image';
  readonly spec: ImageSpec;
  readonly platform: Platform;
  readonly builder: string;
};

/**
 * An image (its only parent, for now) in a repository under tags. `registry` is `host[:port]`; null publishes into the engine of
 * the image's builder under `repository:tag`. Without tags, only the candidate has to be there.
 */
export type Publication = Common & {
  readonly role: 'publication';
  readonly registry: string | null;
  readonly repository: string;
  readonly tags: readonly string[];
};

/** A node of the graph. */
export type Node = External | Image | Publication;
