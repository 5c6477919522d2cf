/** Images of a layout: the one that a reference means, and whether all of its parts are there. */
import { isDigest } from '../digest.ts';
import {
  heldBlobs,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  MEDIA_TYPES,
  parseConfig,
  parseManifest,
  type Descriptor,
  type Document,
  type ImageConfig,
  type ImageIndex,
  type IndexEntry,
} from '../oci/documents.ts';
import { entryFor, onlyImage, platformMissing } from '../oci/platforms.ts';
import { BuildFailure, type Digest, type Platform } from '../types.ts';
import type { Blobs } from './blobs.ts';
import type { ExpectedBlob, StoredImage } from './types.ts';

/** A manifest or index, or null where it is not there. `mediaType`: what whoever refers to it says of it. */
export async function readManifest(blobs: Blobs, { digest, mediaType }: Pointer): Promise<Document | null> {
  let bytes: Uint8Array;
  try {
    bytes = await blobs.readDocument(digest, MAX_MANIFEST_BYTES);
  } catch (error) {
    if (error instanceof BuildFailure && error.error.code === 'BLOB_MISSING') return null;
    throw error;
  }
  return { digest, bytes, parsed: parseManifest(bytes, mediaType ?? '') };
}

interface Pointer {
  readonly digest: Digest;
  readonly mediaType?: string;
}

/** The image behind a manifest or an index; null where a part of it is not there. `name` is for people. */
export async function readImage(
  blobs: Blobs,
  top: Pointer,
  name: string,
  platform: Platform | undefined,
): Promise<StoredImage | null> {
  const named = await readManifest(blobs, top);
  if (named === null) return null;
  const isIndex = named.parsed.kind === 'index';
  const document = isIndex ? await readManifest(blobs, choose(named.parsed, name, platform)) : named;
  if (document === null) return null;
  const { parsed, digest, bytes } = document;
  if (parsed.kind === 'index') throw platformMissing(`${name}: an index in an index`);
  const parts = [named, document].map(sized);
  if (!(await blobs.claim([...parts, ...heldBlobs(parsed)]))) return null;
  const config = parseConfig(await blobs.readDocument(parsed.config.digest, MAX_CONFIG_BYTES));
  checkPlatform(config, name, platform);
  return {
    identity: parsed.config.digest,
    manifest: { mediaType: parsed.mediaType, digest, size: bytes.byteLength },
    layers: parsed.layers,
    config,
  };
}

/** What is missing of an image, or of those images of an index that are here; null when nothing is. */
export async function missingPart(blobs: Blobs, target: Descriptor): Promise<Digest | null> {
  const top = await readManifest(blobs, target);
  if (top === null || top.bytes.byteLength !== target.size) return target.digest;
  if (top.parsed.kind === 'manifest') return missingOf(blobs, [top]);
  const here: Document[] = [];
  let absent: Digest = target.digest;
  for (const entry of top.parsed.manifests) {
    const document = await readManifest(blobs, entry);
    if (document === null) absent = entry.digest;
    else here.push(document);
  }
  return here.length === 0 ? absent : missingOf(blobs, [top, ...here]);
}

async function missingOf(blobs: Blobs, documents: readonly Document[]): Promise<Digest | null> {
  for (const document of documents) {
    const { parsed } = document;
    const parts = parsed.kind === 'index' ? [] : heldBlobs(parsed);
    for (const part of [sized(document), ...parts]) if (!(await blobs.present([part]))) return part.digest;
  }
  return null;
}

/** Everything that the entries of an index lead to, at any depth, themselves included. */
export async function reachable(blobs: Blobs, entries: readonly Descriptor[]): Promise<Set<Digest>> {
  const reached = new Set<Digest>();
  const waiting = [...entries];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next.digest)) continue;
    reached.add(next.digest);
    if (!Object.hasOwn(MEDIA_TYPES, next.mediaType)) continue;
    const parsed = (await readManifest(blobs, next))?.parsed;
    if (parsed?.kind === 'index') waiting.push(...parsed.manifests);
    else if (parsed?.kind === 'manifest') waiting.push(...heldBlobs(parsed));
  }
  return reached;
}

function choose(index: ImageIndex, name: string, platform: Platform | undefined): IndexEntry {
  const only = onlyImage(index);
  // Exporters leave the platform out where there is one image only: its config says it.
  if (only !== null && (platform === undefined || only.platform === undefined)) return only;
  if (platform === undefined) throw platformMissing(`${name} has several images, and no platform was asked for`);
  return entryFor(index, platform, name);
}

function checkPlatform({ os, architecture }: ImageConfig, name: string, platform: Platform | undefined): void {
  if (platform === undefined || `${os}/${architecture}` === platform) return;
  throw platformMissing(`${name} is an image for ${os}/${architecture}, not for ${platform}`);
}

function sized({ digest, bytes }: Document): ExpectedBlob {
  return { digest, size: bytes.byteLength };
}

/** A reference as a pointer: a digest as it is, a name by the names of the layout. Null for a name that is none of them. */
export function pointerOf(reference: string, names: ReadonlyMap<string, Descriptor>): Pointer | null {
  return isDigest(reference) ? { digest: reference } : (names.get(reference) ?? null);
}
