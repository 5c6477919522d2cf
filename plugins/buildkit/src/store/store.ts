/** What a builder needs of the place where its images are: a BuildKit daemon has a cache, and nothing that could be called an image. */
import type { ContentSource, ContentTarget, Entry } from '@rebake/buildkit';
import type { Digest, Output, Platform } from '@rebake/image';
import type { Lack } from '@rebake/sdk';
import type { Held, LayeredImage, Use } from '@rebake/sdk/building';

/** How a daemon starts from an image. */
export interface Ground {
  /** What a FROM line says. */
  readonly text: string;
  /** Where the text is a name of ours: what the frontend is told of it. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Its layers, lowest first; null where they are not known. */
  readonly below: LayeredImage | null;
}

/** A place for images under names, as `candidateName` gives them. Rejects with a `BuildFailure`. */
export interface Store {
  readonly lacks: readonly Lack[];
  /** Its id, as `Capabilities.engine` says it: the same for all who use the same store. */
  id(): Promise<string>;
  /** The image of a name; null: there is none. */
  look(name: string, use: Use): Promise<Held | null>;
  layersOf(held: Held, use: Use): Promise<LayeredImage>;
  /** Throws `PARENT_MISSING` where the image is nowhere. */
  ground(image: Output, platform: Platform, use: Use): Promise<Ground>;
  /** Where a daemon reads from and writes to while it builds. */
  readonly session: {
    readonly layouts?: Readonly<Record<string, ContentSource>>;
    readonly exportTo?: ContentTarget;
  };
  /** How a daemon hands over what it built; `attributes`: those that do not depend on the place. */
  exporter(attributes: Readonly<Record<string, string>>, use: Use): Entry;
  /** What a daemon says that it handed over, if it is there. */
  take(top: Digest, platform: Platform, use: Use): Promise<Held>;
  /** Gives an image a name, or moves the name to it. Rejects with `NAME_INVALID` for names that it cannot give. */
  keep(name: string, held: Held, use: Use): Promise<void>;
  /** Takes a name away. Missing is fine. */
  drop(name: string, use: Use): Promise<void>;
  /** Brings an image from a registry, under a name. */
  bring(image: Output, name: string, use: Use): Promise<Held>;
  /** Sends an image to a repository, under a tag; returns the digest of what names lead to. */
  send(held: Held, to: { registry: string; repository: string; tag: string }, use: Use): Promise<Digest>;
}
