/** Images of a few bytes with real documents: what a fake engine pushes, and what somebody else has put into a registry. */
import { canonicalJson, digestOfBytes, type Digest } from '@rebake/sdk';

/** Media type of every manifest here. */
export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** The one layer that all of them have, which is not compressed. */
export const LAYER = 'not really a layer';

export const LAYER_DIGEST: Digest = digestOfBytes(LAYER);

/** The documents of an image: identity is the digest of its config, as everywhere. */
export interface TinyImage {
  readonly identity: Digest;
  readonly manifest: Digest;
  readonly manifestText: string;
  /** Config and layer, by digest. */
  readonly blobs: ReadonlyMap<Digest, string>;
}

/** Makes the documents of an image whose config is this value. */
export function tinyImage(config: unknown): TinyImage {
  const text = canonicalJson(config);
  const blob = (mediaType: string, content: string) => ({
    mediaType,
    digest: digestOfBytes(content),
    size: Buffer.byteLength(content),
  });
  const manifestText = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: blob('application/vnd.oci.image.config.v1+json', text),
    layers: [blob('application/vnd.oci.image.layer.v1.tar', LAYER)],
  });
  return {
    identity: digestOfBytes(text),
    manifest: digestOfBytes(manifestText),
    manifestText,
    blobs: new Map([text, LAYER].map((content) => [digestOfBytes(content), content])),
  };
}
