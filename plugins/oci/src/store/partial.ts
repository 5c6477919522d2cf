/**
 * Images of which some layers are only in a registry: what is here of them, as an artifact that is complete in itself, so that the layout
 * stays one that every tool can read, and a sweep leaves alone what is in use.
 */
import {
  canonicalJson,
  digestOfBytes,
  isDigest,
  isRegistryHost,
  isRepository,
  MAX_MANIFEST_BYTES,
  parseManifest,
  type Descriptor,
  type Layout,
  type ManifestAt,
} from '@rebake/image';
import { isHeld, type Image } from '../image.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const ARTIFACT = 'application/vnd.dev.rebake.partial.v1';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

/** What is remembered of an image beside its blobs. */
export interface Note {
  readonly manifest: Descriptor;
  readonly identity: Descriptor['digest'];
  readonly elsewhere: readonly ManifestAt[];
}

/** The name that stands for a candidate in the layout while some of its layers are elsewhere. */
export function partialName(candidate: string): string {
  return candidate.replace('rebake/candidate:', 'rebake/partial:');
}

/** Writes what stands for an image, and returns it to be named. `here`: digests of the blobs that the layout holds. */
export async function writePartial(layout: Layout, image: Image, here: ReadonlySet<string>): Promise<Descriptor> {
  const { manifest, identity, elsewhere, documents, layers } = image;
  const { mediaType, digest, size } = manifest;
  const note = Buffer.from(canonicalJson({ manifest: { mediaType, digest, size }, identity, elsewhere }));
  const config = { mediaType: `${ARTIFACT}+json`, digest: digestOfBytes(note), size: note.byteLength };
  const held = layers
    .filter((layer) => isHeld(layer) && here.has(layer.digest))
    .map((layer) => ({ mediaType: layer.mediaType, digest: layer.digest, size: layer.size }));
  const parts = [
    { mediaType, digest, size },
    { mediaType: CONFIG, digest: identity, size: documents.config.byteLength },
  ];
  const bytes = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: ARTIFACT,
      config,
      layers: [...parts, ...held],
    }),
  );
  const target = { mediaType: MANIFEST, digest: digestOfBytes(bytes), size: bytes.byteLength };
  await layout.write(config, once(note));
  await layout.write(target, once(bytes));
  return target;
}

/** Reads what stands for an image; null where something else is there. */
export async function readPartial(layout: Layout, top: Descriptor): Promise<Note | null> {
  const parsed = parseManifest(await layout.readDocument(top.digest, MAX_MANIFEST_BYTES), top.mediaType);
  if (parsed.kind !== 'manifest' || parsed.config.mediaType !== `${ARTIFACT}+json`) return null;
  const bytes = await layout.readDocument(parsed.config.digest, MAX_MANIFEST_BYTES);
  const note = JSON.parse(Buffer.from(bytes).toString()) as Note;
  const isGood =
    isDigest(note.identity) &&
    note.elsewhere.every(
      ({ registry, repository, manifest }) =>
        isRegistryHost(registry) && isRepository(repository) && isDigest(manifest),
    );
  return isGood ? note : null;
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
