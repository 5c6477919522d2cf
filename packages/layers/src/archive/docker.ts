/** The image that is meant in an archive as `docker save` writes it. */
import { digestOfBytes, MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, type Platform } from '@rebake/image';
import { cleanPath } from '../tar/paths.ts';
import {
  broken,
  diffIdsFor,
  isNamed,
  isRecord,
  mismatch,
  missing,
  parseJson,
  platformMissing,
  readFileOf,
  unknownImage,
} from './documents.ts';
import type { Files } from './files.ts';
import type { FoundImage } from './found.ts';

/** One image of `manifest.json`. */
interface Saved {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

/** Null where it is no such archive. `name` null: the only image for the platform. */
export async function findSaved(files: Files, name: string | null, platform: Platform): Promise<FoundImage | null> {
  const bytes = await readFileOf(files, 'manifest.json', MAX_MANIFEST_BYTES);
  if (bytes === null) return null;
  const all = savedIn(files, parseJson(files, bytes, 'manifest.json'));
  const named = name === null ? all : all.filter(({ names }) => names.some((one) => isNamed(one, name)));
  const names = all.flatMap((one) => one.names);
  if (named.length === 0) throw unknownImage(files, name, names);
  const fitting = new Map<string, FoundImage>();
  for (const saved of named) {
    const image = await imageOf(files, saved, platform);
    if (image !== null) fitting.set(saved.config, image);
  }
  const [image, ...others] = fitting.values();
  if (image === undefined) throw platformMissing(files, platform);
  if (others.length > 0) throw unknownImage(files, null, names);
  return image;
}

function savedIn(files: Files, document: unknown): readonly Saved[] {
  const list: readonly unknown[] | null = Array.isArray(document) ? document : null;
  if (list === null) throw broken(files, 'manifest.json is no list');
  return list.map((one) => {
    const config = isRecord(one) ? one['Config'] : undefined;
    const layers = isRecord(one) ? textsOf(one['Layers'] ?? []) : null;
    const names = isRecord(one) ? textsOf(one['RepoTags'] ?? []) : null;
    if (typeof config !== 'string' || layers === null || names === null) {
      throw broken(files, 'manifest.json lacks the config, the layers or the names of an image');
    }
    return { config: pathOf(files, config), layers: layers.map((path) => pathOf(files, path)), names };
  });
}

function textsOf(value: unknown): readonly string[] | null {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : null;
}

function pathOf(files: Files, raw: string): string {
  const cleaned = cleanPath(raw);
  if ('wrong' in cleaned) throw broken(files, `manifest.json: ${JSON.stringify(raw)}: ${cleaned.wrong}`);
  return cleaned.path;
}

async function imageOf(files: Files, { config, layers }: Saved, platform: Platform): Promise<FoundImage | null> {
  const bytes = await readFileOf(files, config, MAX_CONFIG_BYTES);
  if (bytes === null) throw missing(files, config);
  const said = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(config)?.[1];
  if (said !== undefined && digestOfBytes(bytes) !== `sha256:${said}`) throw mismatch(files, config);
  const diffIds = diffIdsFor(files, bytes, platform);
  if (diffIds === null) return null;
  if (diffIds.length !== layers.length) {
    throw broken(files, `${layers.length} layers in manifest.json, ${diffIds.length} in the config`);
  }
  return {
    config: bytes,
    layers: diffIds.map((diffId, i) => ({ path: layers[i] ?? '', diffId, blob: null })),
  };
}
