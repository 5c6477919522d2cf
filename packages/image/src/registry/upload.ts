/** Sending an image from wherever its blobs are: what is there is not sent, what a neighbour repository holds is mounted. */
import { createHash } from 'node:crypto';
import { InvalidDocument } from '../oci/checks.ts';
import { checkDigest, MAX_MANIFEST_BYTES, parseManifest, type Descriptor, type Document } from '../oci/documents.ts';
import type { BlobSource } from '../layout/types.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { putManifest, scopes } from './manifests.ts';
import type { UploadOptions } from './options.ts';
import { PiecesRefused, sendInPieces } from './pieces.ts';
import { closeUpload, isThere, openUpload, verified } from './sending.ts';
import { createPatience, gather, transferAll, type End, type Transfer } from './transfers.ts';

const CHUNK_BYTES = 32 << 20;

/** Sends a manifest or an index with all that it refers to, and stores it under `tag`, or without one under its digest. */
export async function uploadImage(
  source: BlobSource,
  to: End,
  what: { readonly manifest: Digest; readonly tag: string | null },
  options: UploadOptions,
): Promise<Digest> {
  const documents = await gather(async (digest) => readDocument(source, digest), what.manifest);
  const sender = createSender(source, to, options);
  await transferAll(documents, options, sender);
  for (const document of documents) {
    const reference = document.digest === what.manifest ? (what.tag ?? document.digest) : document.digest;
    await putManifest(to.session, to.repository, reference, document, options.signal);
  }
  return what.manifest;
}

type Sender = (blob: Descriptor, transfer: Transfer) => Promise<void>;

function createSender(source: BlobSource, to: End, options: UploadOptions): Sender {
  const chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1) throw new RangeError(`pieces of ${chunkBytes} bytes`);
  let takesPieces = true;

  async function inPieces(blob: Descriptor, transfer: Transfer): Promise<boolean> {
    if (!takesPieces || blob.size <= chunkBytes) return false;
    const upload = await openUpload(to, blob.digest, null, transfer.signal);
    if (upload === null) return true;
    try {
      await sendInPieces(source, to, blob, upload, chunkBytes, transfer);
      return true;
    } catch (error) {
      if (!(error instanceof PiecesRefused)) throw await blame(source, blob, error);
      takesPieces = false;
      return false;
    }
  }

  return async (blob, transfer) => {
    const { signal, reached } = transfer;
    if (await isThere(to, blob.digest, signal)) return reached(blob.size);
    if (await mounted(to, blob, options.mountFrom ?? [], signal)) return reached(blob.size);
    if (await inPieces(blob, transfer)) return reached(blob.size);
    await sendWhole(source, to, blob, transfer);
  };
}

/** In one request; what breaks begins anew. */
async function sendWhole(source: BlobSource, to: End, blob: Descriptor, transfer: Transfer): Promise<void> {
  const judge = createPatience(to.session, transfer.signal);
  for (;;) {
    const upload = await openUpload(to, blob.digest, null, transfer.signal);
    if (upload === null) return transfer.reached(blob.size);
    const bytes = (): AsyncIterable<Uint8Array> => verified(source.read(blob.digest), blob, damaged(blob), transfer);
    try {
      return await closeUpload(to, upload.url, blob, bytes, transfer.signal);
    } catch (error) {
      transfer.reached(0);
      await judge(error, 0);
    }
  }
}

/** Mounts a blob from the first of the repositories that has it. One that may not be read has nothing. */
async function mounted(
  to: End,
  { digest }: Descriptor,
  repositories: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const repository of repositories) {
    if (repository === to.repository) continue;
    try {
      const isHere = await isThere({ session: to.session, repository }, digest, signal, scopes.pull(repository));
      if (isHere) return (await openUpload(to, digest, repository, signal)) === null;
    } catch (error) {
      if (!(error instanceof BuildFailure) || error.error.code !== 'REGISTRY_DENIED') throw error;
    }
  }
  return false;
}

async function readDocument(source: BlobSource, digest: Digest): Promise<Document> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.read(digest, { length: MAX_MANIFEST_BYTES + 1 })) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  try {
    checkDigest(bytes, digest);
    return { digest, bytes, parsed: parseManifest(bytes, '') };
  } catch (error) {
    if (!(error instanceof InvalidDocument)) throw error;
    const words = `${digest} cannot be uploaded: ${error.message}`;
    throw new BuildFailure({ code: 'BLOB_MISMATCH', retry: 'never', words }, { cause: error });
  }
}

/** A registry says of a blob in pieces only that it is wrong: whether it was so from the beginning is looked up here. */
async function blame(source: BlobSource, blob: Descriptor, error: unknown): Promise<unknown> {
  if (!(error instanceof BuildFailure) || error.error.code !== 'REGISTRY_REFUSED') return error;
  const hash = createHash('sha256');
  for await (const chunk of source.read(blob.digest)) hash.update(chunk);
  return `sha256:${hash.digest('hex')}` === blob.digest ? error : damaged(blob);
}

function damaged({ digest, size }: Descriptor): BuildFailure {
  const words = `the stored content is not that of ${digest} with ${size} bytes; remove it, and build or fetch it again`;
  return new BuildFailure({ code: 'BLOB_MISMATCH', retry: 'never', words });
}
