/** The options of a builder of kind `oci`, checked by hand: a few keys are not worth a library on the way of every plan. */
import type { OptionsResult, OptionsSchema } from '@rebake/sdk';

/** What a declaration may say. */
export interface OciOptions {
  /** How layers are compressed. Default: gzip, which every engine reads; Docker before version 23 reads no zstd. */
  readonly compression?: 'gzip' | 'zstd';
  /** Folder of the cache that all projects share. Default: `$REBAKE_CACHE_DIR`, else `rebake` in the user's cache folder. */
  readonly cache?: string;
  /** The most layers that an image may have with those of its parent, 20 to 125. Default 100. */
  readonly maxLayers?: number;
  /** Where images are kept. */
  readonly store?: {
    /** A folder: images are kept there, as an OCI image layout. Default: one in the project's data. */
    readonly layout: string;
  };
}

/** The options with what is not said filled in. Null: the usual place. */
export interface OciSettings {
  readonly compression: 'gzip' | 'zstd';
  readonly cache: string | null;
  readonly maxLayers: number;
  readonly layout: string | null;
}

interface Issue {
  readonly message: string;
  readonly path: readonly string[];
}

const KEYS = ['compression', 'cache', 'maxLayers', 'store'] as const;
const STORE_KEYS = ['layout'] as const;
const LEAST_LAYERS = 20;
/** Docker 20.10 mounts no more. */
export const MOST_LAYERS = 125;
const DEFAULT_LAYERS = 100;

/** Standard Schema of {@link OciOptions}; nothing at all counts as no options. */
export const ociOptions: OptionsSchema<OciSettings> = {
  '~standard': { version: 1, vendor: 'rebake', validate },
};

function validate(value: unknown): OptionsResult<OciSettings> {
  const given = value ?? {};
  if (!isRecord(given)) return { issues: [{ message: 'must be an object' }] };
  const { compression = 'gzip', cache = null, maxLayers = DEFAULT_LAYERS, store = {} } = given;
  const layout = isRecord(store) ? (store['layout'] ?? null) : null;
  const issues: Issue[] = [...unknownKeys(given, KEYS, []), ...storeIssues(store)];
  if (compression !== 'gzip' && compression !== 'zstd')
    issues.push({ message: 'must be gzip or zstd', path: ['compression'] });
  if (!isPath(cache)) issues.push({ message: 'must be the path of a folder', path: ['cache'] });
  if (!isLayers(maxLayers))
    issues.push({ message: `must be a whole number from ${LEAST_LAYERS} to ${MOST_LAYERS}`, path: ['maxLayers'] });
  if (!isPath(layout)) issues.push({ message: 'must be the path of a folder', path: ['store', 'layout'] });
  if (issues.length > 0) return { issues };
  return { value: { compression, cache, maxLayers, layout } as OciSettings };
}

function storeIssues(store: unknown): readonly Issue[] {
  if (!isRecord(store)) return [{ message: 'must be an object', path: ['store'] }];
  return unknownKeys(store, STORE_KEYS, ['store']);
}

function isPath(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value !== '' && !value.includes('\0'));
}

function isLayers(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= LEAST_LAYERS && Number(value) <= MOST_LAYERS;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownKeys(
  record: Record<string, unknown>,
  known: readonly string[],
  path: readonly string[],
): readonly Issue[] {
  return Object.keys(record)
    .filter((key) => !known.includes(key))
    .map((key) => ({ message: `unknown option; there are: ${known.join(', ')}`, path: [...path, key] }));
}
