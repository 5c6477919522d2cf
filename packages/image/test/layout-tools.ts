// Layouts in temporary directories, and images to put into them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildFailure, digestOfBytes, openLayout, type Descriptor, type Digest, type Layout } from '../src/index.ts';
import { MANIFEST_TYPE, type TinyImage } from './fake-registry.ts';

/** A layout that does not exist yet; its directory goes away with it. */
export function temporaryLayout(): { layout: Layout; dir: string; [Symbol.dispose](): void } {
  const parent = mkdtempSync(join(tmpdir(), 'rebake-layout-'));
  const dir = join(parent, 'store');
  return { layout: openLayout(dir), dir, [Symbol.dispose]: () => rmSync(parent, { recursive: true, force: true }) };
}

/** Bytes as they come from a network, in pieces. */
export async function* pieces(content: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

export async function put(layout: Layout, content: string | Uint8Array): Promise<Digest> {
  const digest = digestOfBytes(content);
  await layout.write({ digest }, pieces(content, 64 << 10));
  return digest;
}

/** Stores all parts of an image; its manifest's descriptor. */
export async function putImage(layout: Layout, image: TinyImage): Promise<Descriptor> {
  for (const blob of image.blobs.values()) await put(layout, blob);
  await put(layout, image.manifestBytes);
  return { mediaType: MANIFEST_TYPE, digest: image.manifest, size: Buffer.byteLength(image.manifestBytes) };
}

export async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** `CODE: words` of a failure; any other rejection goes on, and so does its absence. */
export async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BuildFailure) return `${error.error.code}: ${error.error.words}`;
    throw error;
  }
  throw new Error('it did not fail');
}
