/** Documents of images on this machine: read whole, checked against their digests, and refused in words of the archive's. */
import {
  digestOfBytes,
  InvalidDocument,
  parseConfig,
  type BuildFailure,
  type Digest,
  type Platform,
} from '@rebake/image';
import { failure } from '../failures.ts';
import type { Files } from './files.ts';

/** The bytes of a file, at most so many; null where there is none. */
export async function readFileOf(files: Files, path: string, maxBytes: number): Promise<Uint8Array | null> {
  const bytes = files.read(path);
  if (bytes === null) return null;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of bytes) {
    size += part.byteLength;
    if (size > maxBytes) throw broken(files, `${path} has more than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function broken({ name, code }: Files, words: string, cause?: unknown): BuildFailure {
  return failure(code, `${name}: ${words}`, cause);
}

export function blobPath(digest: Digest): string {
  return `blobs/sha256/${digest.slice('sha256:'.length)}`;
}

export function missing({ name }: Files, what: string): BuildFailure {
  return failure('BLOB_MISSING', `${name}: there is no ${what} in it`);
}

/** A blob as a document. */
export async function readBlob(files: Files, digest: Digest, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readFileOf(files, blobPath(digest), maxBytes);
  if (bytes === null) throw missing(files, `blob ${digest}`);
  if (digestOfBytes(bytes) !== digest) throw mismatch(files, blobPath(digest));
  return bytes;
}

export function mismatch({ name }: Files, path: string): BuildFailure {
  return failure('BLOB_MISMATCH', `${name}: the content of ${path} is not that of its digest`);
}

/** Runs what reads documents; those that are none come out as failures. */
export function inFiles<T>(files: Files, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidDocument || error instanceof SyntaxError) throw broken(files, error.message, error);
    throw error;
  }
}

/** JSON whose fields nobody has looked at. */
export function parseJson(files: Files, bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw broken(files, `${path} is not JSON`, error);
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The diff IDs of an image's config; null where it is for another platform. */
export function diffIdsFor(files: Files, config: Uint8Array, platform: Platform): readonly Digest[] | null {
  const { os, architecture, diffIds } = inFiles(files, () => parseConfig(config));
  return `${os}/${architecture}` === platform ? diffIds : null;
}

/** None, or several and no way to tell which is meant. `names`: those that are there. */
export function unknownImage({ name: where }: Files, name: string | null, names: readonly string[]): BuildFailure {
  const there =
    names.length === 0 ? 'its images have no names' : `it has ${[...new Set(names)].slice(0, 10).join(', ')}`;
  const words =
    name === null ? 'it holds several images, and none is named' : `it holds no image ${JSON.stringify(name)}`;
  return failure('LAYOUT_IMAGE_UNKNOWN', `${where}: ${words}; ${there}`);
}

export function platformMissing({ name: where }: Files, platform: Platform): BuildFailure {
  return failure('PLATFORM_MISSING', `${where} has no image for ${platform}`);
}

/** Whether an image that is called `given` is meant by `wanted`: Docker leaves its own registry out, and the tag `latest`. */
export function isNamed(given: string, wanted: string): boolean {
  return given === wanted || full(given) === full(wanted);
}

function full(name: string): string {
  const short = name.replace(/^docker\.io\//, '').replace(/^library\//, '');
  return short.includes('@') || short.slice(short.lastIndexOf('/') + 1).includes(':') ? short : `${short}:latest`;
}
