/** Images as this builder reads and writes them: the manifest, the config, and where layers are that are not here. */
import {
  BuildFailure,
  InvalidDocument,
  parseConfig,
  parseManifest,
  digestOfBytes,
  type Descriptor,
  type Digest,
  type ManifestAt,
} from '@rebake/image';

/** A layer of an image. */
export interface ImageLayer extends Descriptor {
  /** Digest of its tar. */
  readonly diffId: Digest;
}

/** An image with its documents. Layers may be somewhere else. */
export interface Image {
  readonly identity: Digest;
  readonly manifest: Descriptor;
  /** The lowest first. */
  readonly layers: readonly ImageLayer[];
  readonly config: ConfigDocument;
  readonly documents: Documents;
  /** Where layers can be had that are not here; empty: all of them are. */
  readonly elsewhere: readonly ManifestAt[];
}

/** The exact bytes of both documents. */
export interface Documents {
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
}

/** A config as it is written: whatever it holds stays, for the images above it. */
export type ConfigDocument = Readonly<Record<string, unknown>>;

/** Puts documents together. Throws `IMAGE_INVALID` where they are none of an image. `name` is for people. */
export function imageOf(documents: Documents, elsewhere: readonly ManifestAt[], name: string): Image {
  try {
    const manifest = parseManifest(documents.manifest, '');
    if (manifest.kind === 'index') throw new InvalidDocument('an index where a manifest was expected');
    const { diffIds } = parseConfig(documents.config);
    const identity = digestOfBytes(documents.config);
    if (manifest.config.digest !== identity) throw new InvalidDocument('the config is not that of the manifest');
    if (manifest.layers.length !== diffIds.length)
      throw new InvalidDocument(`${manifest.layers.length} layers, and ${diffIds.length} of them in the config`);
    return {
      identity,
      manifest: {
        mediaType: manifest.mediaType,
        digest: digestOfBytes(documents.manifest),
        size: documents.manifest.byteLength,
      },
      layers: manifest.layers.map((layer, index) => ({ ...layer, diffId: diffIds[index] ?? layer.digest })),
      config: JSON.parse(Buffer.from(documents.config).toString()) as ConfigDocument,
      documents,
      elsewhere,
    };
  } catch (error) {
    if (!(error instanceof InvalidDocument)) throw error;
    const words = `${name}: ${error.message}`;
    throw new BuildFailure({ code: 'IMAGE_INVALID', retry: 'never', words }, { cause: error });
  }
}

/** Whether registries and stores hold a layer; others are fetched from their own addresses. */
export function isHeld({ urls }: Descriptor): boolean {
  return urls === undefined || urls.length === 0;
}
