/** The image that is meant in an OCI image layout. */
import {
  choosePlatform,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  parseManifest,
  type Descriptor,
  type Digest,
  type ImageManifest,
  type IndexEntry,
  type Platform,
} from '@rebake/image';
import {
  blobPath,
  broken,
  diffIdsFor,
  inFiles,
  isNamed,
  isRecord,
  parseJson,
  platformMissing,
  readBlob,
  readFileOf,
  unknownImage,
} from './documents.ts';
import type { Files } from './files.ts';
import type { FoundImage } from './found.ts';

const NAMES = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'];
/** Indexes in indexes. */
const MAX_DEPTH = 4;

/** One entry of `index.json`. */
interface Top {
  readonly entry: IndexEntry;
  readonly names: readonly string[];
}

/** Null where it is no layout. `name` null: the only image for the platform. */
export async function findOci(files: Files, name: string | null, platform: Platform): Promise<FoundImage | null> {
  const index = await readFileOf(files, 'index.json', MAX_MANIFEST_BYTES);
  if (index === null) return null;
  await checkVersion(files);
  const all = topOf(files, index);
  const named = name === null ? all : all.filter(({ names }) => names.some((one) => isNamed(one, name)));
  const names = all.flatMap((top) => top.names);
  if (named.length === 0) throw unknownImage(files, name, names);
  const fitting = new Map<Digest, FoundImage>();
  for (const { entry } of named) {
    if (!fits(entry, platform)) continue;
    const found = await imageAt(files, entry, platform, 0);
    if (found !== null) fitting.set(found.manifest, found.image);
  }
  const [image, ...others] = fitting.values();
  if (image === undefined) throw platformMissing(files, platform);
  if (others.length > 0) throw unknownImage(files, null, names);
  return image;
}

async function checkVersion(files: Files): Promise<void> {
  const bytes = await readFileOf(files, 'oci-layout', MAX_MANIFEST_BYTES);
  if (bytes === null) throw broken(files, 'there is no oci-layout in it');
  const layout = parseJson(files, bytes, 'oci-layout');
  const version = isRecord(layout) ? layout['imageLayoutVersion'] : undefined;
  if (typeof version !== 'string' || !version.startsWith('1.')) throw broken(files, 'it is no layout of version 1');
}

function topOf(files: Files, bytes: Uint8Array): readonly Top[] {
  const parsed = inFiles(files, () => parseManifest(bytes, ''));
  if (parsed.kind !== 'index') throw broken(files, 'index.json is no index');
  const raw = parseJson(files, bytes, 'index.json');
  const list: readonly unknown[] = isRecord(raw) && Array.isArray(raw['manifests']) ? raw['manifests'] : [];
  return parsed.manifests.map((entry, i) => ({ entry, names: namesOf(list[i]) }));
}

function namesOf(entry: unknown): readonly string[] {
  const annotations = isRecord(entry) ? entry['annotations'] : undefined;
  if (!isRecord(annotations)) return [];
  return NAMES.flatMap((key) => {
    const value = annotations[key];
    return typeof value === 'string' ? [value] : [];
  });
}

/** Attestations stand in an index as images of an unknown platform. */
function fits({ platform: its }: IndexEntry, platform: Platform): boolean {
  return its === undefined || `${its.os}/${its.architecture}` === platform;
}

async function imageAt(
  files: Files,
  { digest, mediaType }: Descriptor,
  platform: Platform,
  depth: number,
): Promise<{ readonly manifest: Digest; readonly image: FoundImage } | null> {
  if (depth > MAX_DEPTH) throw broken(files, `more than ${MAX_DEPTH} indexes in each other`);
  const bytes = await readBlob(files, digest, MAX_MANIFEST_BYTES);
  const parsed = inFiles(files, () => parseManifest(bytes, mediaType));
  if (parsed.kind === 'manifest') {
    const image = await imageOf(files, parsed, platform);
    return image === null ? null : { manifest: digest, image };
  }
  const own = parsed.manifests.filter(({ platform: its }) => its?.os !== 'unknown');
  const [only, ...others] = own;
  // Where there is one image only, exporters leave its platform out.
  const entry = choosePlatform(parsed, platform) ?? (others.length === 0 && only?.platform === undefined ? only : null);
  return entry === null || entry === undefined ? null : imageAt(files, entry, platform, depth + 1);
}

async function imageOf(
  files: Files,
  { config, layers }: ImageManifest,
  platform: Platform,
): Promise<FoundImage | null> {
  const bytes = await readBlob(files, config.digest, MAX_CONFIG_BYTES);
  const diffIds = diffIdsFor(files, bytes, platform);
  if (diffIds === null) return null;
  if (diffIds.length !== layers.length) {
    throw broken(files, `${layers.length} layers in the manifest, ${diffIds.length} in the config`);
  }
  return {
    config: bytes,
    layers: layers.map(({ digest, size, mediaType }, i) => ({
      path: blobPath(digest),
      diffId: diffIds[i] ?? digest,
      blob: { digest, size, mediaType },
    })),
  };
}
