/** Copying an image between repositories: what is there is not sent, what the same registry holds is mounted, the rest is streamed. */
import type { Descriptor } from '../oci/documents.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { createTally, type How } from './blobs.ts';
import { getBlob, putManifest } from './manifests.ts';
import type { CopyOptions, Sent } from './options.ts';
import { closeUpload, isDenied, isThere, openUpload, verified, type Upload } from './sending.ts';
import { createPatience, gather, notFound, readRemote, transferAll, type End, type Transfer } from './transfers.ts';

/** Copies a manifest or an index with all that it refers to, and stores it under `tag`. Its digest is what it was. */
export async function copyImage(
  from: End,
  to: End,
  what: { readonly manifest: Digest; readonly tag: string },
  options: CopyOptions,
): Promise<Sent> {
  const documents = await gather(async (digest) => readRemote(from, digest, options.signal), what.manifest);
  const tally = createTally();
  const { blobs } = to.session;
  await transferAll(documents, options, async (blob, transfer) => {
    const copy = async (): Promise<How> => copyBlob(from, to, blob, transfer);
    tally.count(await blobs.alone(blob.digest, transfer.signal, copy), blob.size);
    await blobs.found(blob.digest, to.repository);
    transfer.reached(blob.size);
  });
  // An index goes last: a registry takes it only when all of its manifests are there.
  for (const document of documents) {
    const reference = document.digest === what.manifest ? what.tag : document.digest;
    await putManifest(to.session, to.repository, reference, document, options.signal);
  }
  return { digest: what.manifest, bytes: tally.bytes };
}

async function copyBlob(from: End, to: End, blob: Descriptor, transfer: Transfer): Promise<How> {
  const { signal, reached } = transfer;
  const isSameRegistry = from.session.host === to.session.host;
  if (isSameRegistry && from.repository === to.repository) return 'skipped';
  if (!isSameRegistry && (await isThere(to, blob.digest, signal))) return 'skipped';
  // Within a registry the blob is in `from`; between registries this process may know a neighbour of `to` that has it.
  let neighbour = isSameRegistry ? from.repository : await to.session.blobs.elsewhere(blob.digest, to.repository);
  const judge = createPatience(to.session, signal);
  for (;;) {
    const upload = await openUpload(to, blob.digest, neighbour, signal).catch((error: unknown) => {
      if (isSameRegistry || neighbour === null || !isDenied(error)) throw error;
      return 'denied' as const;
    });
    if (upload === null) return neighbour === null ? 'skipped' : 'mounted';
    if (!isSameRegistry) neighbour = null;
    if (upload === 'denied') continue;
    try {
      await send(from, to, blob, upload, transfer);
      return 'uploaded';
    } catch (error) {
      // What broke on the way begins anew with an upload of its own.
      reached(0);
      await judge(error, 0);
    }
  }
}

async function send(from: End, to: End, blob: Descriptor, upload: Upload, transfer: Transfer): Promise<void> {
  const { session, repository } = from;
  const source = await getBlob(session, repository, blob.digest, transfer.signal);
  if (source === null) throw notFound(`${session.host}/${repository}: the blob ${blob.digest} is not there`);
  const words = `${session.host}: the content is not that of ${blob.digest}`;
  const wrong = new BuildFailure({ code: 'REGISTRY_CORRUPT', retry: 'never', words });
  const bytes = (): AsyncIterable<Uint8Array> => verified(source.stream(), blob, wrong, transfer);
  await closeUpload(to, upload.url, blob, bytes, transfer.signal);
}
