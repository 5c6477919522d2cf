/**
 * Documents of the OCI image spec and of Docker's schema 2: manifests, indexes and configs. They come from outside, so every field that is
 * used is checked; what is not used is not kept, since the bytes themselves are what is stored, sent and hashed.
 */
import { digestOfBytes } from '../digest.ts';
import type { Digest, Platform } from '../types.ts';
import { asDigest, asList, asRecord, asString, asStrings, InvalidDocument, json } from './checks.ts';

/** Media types that rebake reads, each with the kind of document it names. */
export const MEDIA_TYPES = {
  'application/vnd.oci.image.manifest.v1+json': 'manifest',
  'application/vnd.docker.distribution.manifest.v2+json': 'manifest',
  'application/vnd.oci.image.index.v1+json': 'index',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
} as const;

const OCI_TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
} as const satisfies Record<'manifest' | 'index', keyof typeof MEDIA_TYPES>;

/** Bounds of documents from outside, in bytes. */
export const MAX_MANIFEST_BYTES = 4 << 20;
export const MAX_CONFIG_BYTES = 8 << 20;

/** A pointer to a blob or to another document. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** Where content that registries do not hold can be had; only layers of foreign bases have it. */
  readonly urls?: readonly string[];
}

export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly IndexEntry[];
}

export interface IndexEntry extends Descriptor {
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

/** A manifest or an index with its exact bytes. */
export interface Document {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly parsed: ImageManifest | ImageIndex;
}

/** What a config says of an image. `diffIds`: digests of the uncompressed layers, the lowest first. */
export interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly diffIds: readonly Digest[];
  readonly env: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly entrypoint?: readonly string[];
}

/** Checks bytes against the digest by which they were asked for. */
export function checkDigest(bytes: Uint8Array, digest: Digest): void {
  if (digestOfBytes(bytes) !== digest) throw new InvalidDocument(`the content is not that of ${digest}`);
}

/**
 * Reads a manifest or an index. `contentType` is what the registry said; the document's own `mediaType` goes first, and when both are there
 * and name different kinds the document is refused.
 */
export function parseManifest(bytes: Uint8Array, contentType: string): ImageManifest | ImageIndex {
  if (bytes.byteLength > MAX_MANIFEST_BYTES)
    throw new InvalidDocument(`a manifest of more than ${MAX_MANIFEST_BYTES} bytes`);
  const document = asRecord(json(bytes), 'manifest');
  if (document['schemaVersion'] !== 2) throw new InvalidDocument(`manifest: schemaVersion is not 2`);
  const own = document['mediaType'];
  const given = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const said = own === undefined ? given : asString(own, 'mediaType');
  const kind = kindOf(said) ?? (own === undefined ? shapeOf(document) : null);
  if (kind === null) throw new InvalidDocument(`${said || 'no media type'} is not a manifest that is known`);
  // Documents of the OCI spec need not name their type; those of Docker always do.
  const mediaType = kindOf(said) === null ? OCI_TYPES[kind] : said;
  const givenKind = kindOf(given);
  if (givenKind !== null && givenKind !== kind)
    throw new InvalidDocument(`manifest: a ${kind} that was sent as ${given}`);
  if (kind !== shapeOf(document)) throw new InvalidDocument(`manifest: ${mediaType} without the fields of one`);
  if (kind === 'manifest') {
    const layers = asList(document['layers'], 'layers').map((layer, i) => parseDescriptor(layer, `layers[${i}]`));
    return { kind, mediaType, config: parseDescriptor(document['config'], 'config'), layers };
  }
  const manifests = asList(document['manifests'], 'manifests').map((entry, i) => indexEntry(entry, `manifests[${i}]`));
  return { kind, mediaType, manifests };
}

/** Reads an image config. */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  if (bytes.byteLength > MAX_CONFIG_BYTES) throw new InvalidDocument(`a config of more than ${MAX_CONFIG_BYTES} bytes`);
  const document = asRecord(json(bytes), 'config');
  const rootfs = asRecord(document['rootfs'], 'config: rootfs');
  const diffIds = asList(rootfs['diff_ids'] ?? [], 'config: diff_ids').map((id) => asDigest(id, 'config: diff_ids'));
  const config = asRecord(document['config'] ?? {}, 'config: config');
  const user = config['User'];
  const workdir = config['WorkingDir'];
  const entrypoint = config['Entrypoint'];
  return {
    os: asString(document['os'], 'config: os'),
    architecture: asString(document['architecture'], 'config: architecture'),
    diffIds,
    env: asStrings(config['Env'] ?? [], 'config: Env'),
    ...(user ? { user: asString(user, 'config: User') } : {}),
    ...(workdir ? { workdir: asString(workdir, 'config: WorkingDir') } : {}),
    ...(entrypoint ? { entrypoint: asStrings(entrypoint, 'config: Entrypoint') } : {}),
  };
}

/** Blobs of an image that registries and stores hold; foreign layers are fetched from their own addresses by whoever runs it. */
export function heldBlobs({ config, layers }: ImageManifest): readonly Descriptor[] {
  return [config, ...layers.filter(({ urls }) => urls === undefined || urls.length === 0)];
}

/** The entry of an index for a platform: the first that matches (arm64 with variant v8 or none). Null where there is none. */
export function choosePlatform(index: ImageIndex, platform: Platform): IndexEntry | null {
  const [os, architecture] = platform.split('/');
  const isWanted = ({ platform: its }: IndexEntry): boolean =>
    its?.os === os &&
    its?.architecture === architecture &&
    (its?.variant === undefined || its.variant === '' || (architecture === 'arm64' && its.variant === 'v8'));
  return index.manifests.find(isWanted) ?? null;
}

function kindOf(mediaType: string): 'manifest' | 'index' | null {
  return Object.hasOwn(MEDIA_TYPES, mediaType) ? MEDIA_TYPES[mediaType as keyof typeof MEDIA_TYPES] : null;
}

function shapeOf(document: Record<string, unknown>): 'manifest' | 'index' | null {
  const isManifest = document['config'] !== undefined && document['layers'] !== undefined;
  const isIndex = document['manifests'] !== undefined;
  // Both at once is a known trick: two readers would see two images under one digest.
  if (isManifest === isIndex) return null;
  return isManifest ? 'manifest' : 'index';
}

/** Reads a pointer. `at`: where it stands, for people. */
export function parseDescriptor(value: unknown, at: string): Descriptor {
  const record = asRecord(value, at);
  const size = record['size'];
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new InvalidDocument(`${at}: size is not a number of bytes`);
  return {
    mediaType: asString(record['mediaType'], `${at}: mediaType`),
    digest: asDigest(record['digest'], `${at}: digest`),
    size,
    ...(record['urls'] === undefined ? {} : { urls: asStrings(record['urls'], `${at}: urls`) }),
  };
}

function indexEntry(value: unknown, at: string): IndexEntry {
  const base = parseDescriptor(value, at);
  const given = asRecord(value, at)['platform'];
  if (given === undefined) return base;
  const platform = asRecord(given, `${at}: platform`);
  return {
    ...base,
    platform: {
      os: asString(platform['os'], `${at}: os`),
      architecture: asString(platform['architecture'], `${at}: architecture`),
      ...(platform['variant'] === undefined ? {} : { variant: asString(platform['variant'], `${at}: variant`) }),
    },
  };
}
