/** Copying an image between repositories: what is there is not sent, what the same registry holds is mounted, the rest is streamed. */
import type { Descriptor } from '../oci/documents.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { getBlob, putManifest } from './manifests.ts';
import type { CopyOptions } from './options.ts';
import { closeUpload, isThere, openUpload, verified, type Upload } from './sending.ts';
import { createPatience, gather, notFound, readRemote, transferAll, type End, type Transfer } from './transfers.ts';

/** Copies a manifest or an index with all that it refers to, and stores it under `tag`. Returns its digest, which a copy never changes. */
export async function copyImage(
  from: End,
  to: End,
  what: { readonly manifest: Digest; readonly tag: string },
  options: CopyOptions,
): Promise<Digest> {
  const documents = await gather(async (digest) => readRemote(from, digest, options.signal), what.manifest);
  await transferAll(documents, options, async (blob, transfer) => copyBlob(from, to, blob, transfer));
  // An index goes last: a registry takes it only when all of its manifests are there.
  for (const document of documents) {
    const reference = document.digest === what.manifest ? what.tag : document.digest;
    await putManifest(to.session, to.repository, reference, document, options.signal);
  }
  return what.manifest;
}

async function copyBlob(from: End, to: End, blob: Descriptor, transfer: Transfer): Promise<void> {
  const { signal, reached } = transfer;
  const isSameRegistry = from.session.host === to.session.host;
  if (isSameRegistry && from.repository === to.repository) return reached(blob.size);
  if (!isSameRegistry && (await isThere(to, blob.digest, signal))) return reached(blob.size);
  const judge = createPatience(to.session, signal);
  for (;;) {
    const upload = await openUpload(to, blob.digest, isSameRegistry ? from.repository : null, signal);
    if (upload === null) return reached(blob.size);
    try {
      return await send(from, to, blob, upload, transfer);
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
