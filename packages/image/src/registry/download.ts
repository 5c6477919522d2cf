/** Fetching an image to wherever its blobs are to be: what is there is not fetched, and what breaks goes on where it was. */
import type { BlobSink } from '../layout/types.ts';
import type { Descriptor } from '../oci/documents.ts';
import { entryFor } from '../oci/platforms.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { getBlob } from './manifests.ts';
import type { DownloadOptions } from './options.ts';
import { createPatience, gather, notFound, readRemote, transferAll, type End, type Transfer } from './transfers.ts';

/** Fetches a manifest or an index with its images, or with that of one platform. Its digest is what it was asked by. */
export async function downloadImage(
  from: End,
  into: BlobSink,
  manifest: Digest,
  options: DownloadOptions,
): Promise<Digest> {
  const { signal, platform } = options;
  const name = `${from.session.host}/${from.repository}@${manifest}`;
  const documents = await gather(
    async (digest) => readRemote(from, digest, signal),
    manifest,
    platform === undefined ? undefined : (index) => [entryFor(index, platform, name)],
  );
  await transferAll(documents, options, async (blob, transfer) => fetchBlob(from, into, blob, transfer));
  // A manifest goes after its parts: where it is, they are.
  for (const { digest, bytes } of documents) {
    signal.throwIfAborted();
    await into.write({ digest, size: bytes.byteLength }, once(bytes));
  }
  return manifest;
}

async function fetchBlob(from: End, into: BlobSink, blob: Descriptor, transfer: Transfer): Promise<void> {
  if ((await into.has(blob.digest)) !== blob.size) {
    try {
      await into.write({ digest: blob.digest, size: blob.size }, contentOf(from, blob, transfer));
    } catch (error) {
      throw error instanceof BuildFailure && error.error.code === 'BLOB_MISMATCH'
        ? corrupted(from, error.error.words, error)
        : error;
    }
  }
  transfer.reached(blob.size);
}

/** The bytes of a blob, over as many connections as it takes. */
async function* contentOf(from: End, blob: Descriptor, { signal, reached }: Transfer): AsyncGenerator<Uint8Array> {
  const judge = createPatience(from.session, signal);
  let seen = 0;
  while (seen < blob.size) {
    try {
      for await (const chunk of openAt(from, blob.digest, seen, signal)) {
        seen += chunk.byteLength;
        if (seen > blob.size) throw corrupted(from, `${blob.digest} has more than ${blob.size} bytes`);
        yield chunk;
        reached(seen);
      }
      if (seen < blob.size) throw shortened(from, blob.digest, seen);
    } catch (error) {
      await judge(error, seen);
    }
  }
}

/** The bytes from an offset on, also of a registry that always begins at the beginning. */
async function* openAt(
  { session, repository }: End,
  digest: Digest,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const answer = await getBlob(session, repository, digest, signal, offset);
  if (answer === null) throw notFound(`${session.host}/${repository}: the blob ${digest} is not there`);
  const isPart = answer.status === 206;
  if (isPart && !answer.header('content-range')?.startsWith(`bytes ${offset}-`)) {
    answer.discard();
    throw corrupted({ session, repository }, `${digest} was asked for from byte ${offset} on, and another part came`);
  }
  let skip = isPart ? 0 : offset;
  for await (const chunk of answer.stream()) {
    const rest = chunk.subarray(Math.min(skip, chunk.byteLength));
    skip -= chunk.byteLength - rest.byteLength;
    if (rest.byteLength > 0) yield rest;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function corrupted({ session, repository }: End, what: string, cause?: unknown): BuildFailure {
  const words = `${session.host}/${repository}: ${what}`;
  return new BuildFailure({ code: 'REGISTRY_CORRUPT', retry: 'never', words }, { cause });
}

function shortened({ session, repository }: End, digest: Digest, seen: number): BuildFailure {
  const words = `${session.host}/${repository}: ${digest} ended after ${seen} bytes`;
  return new BuildFailure({ code: 'REGISTRY_UNREACHABLE', retry: 'backoff', words });
}
