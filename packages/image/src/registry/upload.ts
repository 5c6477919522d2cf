/** Sending an image from wherever its blobs are: what is there is not sent, what a neighbour repository holds is mounted. */
import { createHash } from 'node:crypto';
import { InvalidDocument } from '../oci/checks.ts';
import { checkDigest, MAX_MANIFEST_BYTES, parseManifest, type Descriptor, type Document } from '../oci/documents.ts';
import type { BlobSource } from '../layout/types.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { createTally, type How } from './blobs.ts';
import { putManifest, scopes } from './manifests.ts';
import type { Sent, SentBytes, UploadOptions } from './options.ts';
import { PiecesRefused, sendInPieces } from './pieces.ts';
import { cancelUpload, closeUpload, isDenied, isThere, openUpload, verified, type Upload } from './sending.ts';
import { createPatience, gather, transferAll, type End, type Transfer } from './transfers.ts';

const CHUNK_BYTES = 32 << 20;

/** Sends a manifest or an index with all that it refers to, and stores it under `tag`, or without one under its digest. */
export async function uploadImage(
  source: BlobSource,
  to: End,
  what: { readonly manifest: Digest; readonly tag: string | null },
  options: UploadOptions,
): Promise<Sent> {
  const documents = await gather(async (digest) => readDocument(source, digest), what.manifest);
  const sender = createSender(source, to, options);
  const tally = createTally();
  await transferAll(documents, options, async (blob, transfer) => {
    const how = await sender(blob, transfer);
    const before = to.session.blobs.takeAhead(blob.digest, to.repository);
    tally.count(how === 'skipped' ? (before ?? how) : how, blob.size);
  });
  for (const document of documents) {
    const reference = document.digest === what.manifest ? (what.tag ?? document.digest) : document.digest;
    await putManifest(to.session, to.repository, reference, document, options.signal);
  }
  return { digest: what.manifest, bytes: tally.bytes };
}

/** Sends one blob, and remembers how, for the upload of which it is a part. */
export async function sendAhead(
  source: BlobSource,
  to: End,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  options: UploadOptions,
): Promise<SentBytes> {
  const { signal } = options;
  const transfer = { signal, reached: (bytes: number) => options.onBytes?.(bytes, size) };
  const how = await createSender(source, to, options)({ mediaType: '', digest, size }, transfer);
  to.session.blobs.sentAhead(digest, to.repository, how);
  const tally = createTally();
  tally.count(how, size);
  return tally.bytes;
}

type Sender = (blob: Descriptor, transfer: Transfer) => Promise<How>;

function createSender(source: BlobSource, to: End, options: UploadOptions): Sender {
  const chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1) throw new RangeError(`pieces of ${chunkBytes} bytes`);
  let takesPieces = true;

  /** True when the blob is there. Else it has to be sent in one request, into an upload that is still to be opened. */
  async function inPieces(blob: Descriptor, upload: Upload, transfer: Transfer): Promise<boolean> {
    try {
      await sendInPieces(source, to, blob, upload, chunkBytes, transfer);
      return true;
    } catch (error) {
      if (!(error instanceof PiecesRefused)) throw await blame(source, blob, error);
      takesPieces = false;
      return false;
    }
  }

  async function send(blob: Descriptor, transfer: Transfer): Promise<How> {
    const begun = await begin(to, blob.digest, options.mountFrom ?? [], transfer.signal);
    if (typeof begun === 'string') return begun;
    if (!takesPieces || blob.size <= chunkBytes) await sendWhole(source, to, blob, begun, transfer);
    else if (!(await inPieces(blob, begun, transfer))) await sendWhole(source, to, blob, null, transfer);
    return 'uploaded';
  }

  return async (blob, transfer) =>
    to.session.blobs.alone(blob.digest, transfer.signal, async () => {
      const how = await send(blob, transfer);
      await to.session.blobs.found(blob.digest, to.repository);
      transfer.reached(blob.size);
      return how;
    });
}

/**
 * Brings a blob about without sending it, else opens an upload. Where this process knows a neighbour that has it, mounting goes before looking;
 * a mount that comes to nothing has opened the upload that is needed then.
 */
async function begin(
  to: End,
  digest: Digest,
  mountFrom: readonly string[],
  signal: AbortSignal,
): Promise<Upload | 'mounted' | 'skipped'> {
  const { blobs } = to.session;
  let open: Upload | null = null;
  const known = await blobs.elsewhere(digest, to.repository);
  if (known !== null) {
    const mounted = await mount(to, digest, known, signal);
    if (mounted === 'mounted') return mounted;
    blobs.lost(digest, known);
    open = mounted;
  }
  if (await isThere(to, digest, signal)) {
    if (open !== null) await cancelUpload(to, open, signal);
    return 'skipped';
  }
  for (const repository of mountFrom) {
    if (repository === to.repository || repository === known) continue;
    // With an upload in hand, a look is cheaper than another one.
    if (open !== null && !(await holds(to, digest, repository, signal))) continue;
    const mounted = await mount(to, digest, repository, signal);
    if (mounted === null) continue;
    if (open !== null) await cancelUpload(to, open, signal);
    if (mounted === 'mounted') return mounted;
    open = mounted;
  }
  return open ?? (await openUpload(to, digest, null, signal)) ?? 'skipped';
}

/** Mounts a blob, or opens an upload where the neighbour has none; null where it may not be read. */
async function mount(to: End, digest: Digest, from: string, signal: AbortSignal): Promise<Upload | 'mounted' | null> {
  try {
    return (await openUpload(to, digest, from, signal)) ?? 'mounted';
  } catch (error) {
    if (isDenied(error)) return null;
    throw error;
  }
}

/** Whether a neighbour has a blob. One that may not be read has nothing. */
async function holds({ session }: End, digest: Digest, repository: string, signal: AbortSignal): Promise<boolean> {
  try {
    return await isThere({ session, repository }, digest, signal, scopes.pull(repository));
  } catch (error) {
    if (isDenied(error)) return false;
    throw error;
  }
}

/** In one request; what breaks begins anew. `first`: the upload to begin with, where one is open. */
async function sendWhole(
  source: BlobSource,
  to: End,
  blob: Descriptor,
  first: Upload | null,
  transfer: Transfer,
): Promise<void> {
  const judge = createPatience(to.session, transfer.signal);
  for (let open = first; ; open = null) {
    const upload = open ?? (await openUpload(to, blob.digest, null, transfer.signal));
    if (upload === null) return;
    const bytes = (): AsyncIterable<Uint8Array> => verified(source.read(blob.digest), blob, damaged(blob), transfer);
    try {
      return await closeUpload(to, upload.url, blob, bytes, transfer.signal);
    } catch (error) {
      transfer.reached(0);
      await judge(error, 0);
    }
  }
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
