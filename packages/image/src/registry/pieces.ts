/** A large blob in pieces: one that breaks on the way goes on where the registry says that it is. */
import type { BlobSource } from '../layout/types.ts';
import type { Descriptor } from '../oci/documents.ts';
import { BuildFailure } from '../types.ts';
import { answerFailure } from './errors.ts';
import { scopes } from './manifests.ts';
import { closeUpload, isThere, openUpload, type Upload } from './sending.ts';
import { createPatience, type End, type Transfer } from './transfers.ts';
import type { Answer } from './transport.ts';

/** How far an upload is. */
interface Point {
  readonly url: URL;
  readonly offset: number;
}

/** Thrown where a registry takes no pieces: it gets the blob in one request. */
export class PiecesRefused extends Error {
  constructor(cause: BuildFailure) {
    super('the registry takes no pieces', { cause });
    this.name = 'PiecesRefused';
  }
}

/** Sends a blob into an open upload, in pieces of `chunkBytes` or of the least that the registry takes. */
export async function sendInPieces(
  source: BlobSource,
  to: End,
  blob: Descriptor,
  upload: Upload,
  chunkBytes: number,
  transfer: Transfer,
): Promise<void> {
  const { signal, reached } = transfer;
  const chunk = Math.max(chunkBytes, upload.leastChunk);
  const judge = createPatience(to.session, signal);
  let at: Point = { url: upload.url, offset: 0 };
  for (;;) {
    try {
      while (at.offset < blob.size) at = await sendPiece(source, to, blob, at, chunk, transfer);
      return await closeUpload(to, at.url, blob, null, signal);
    } catch (error) {
      await judge(error, at.offset);
      // Also an answer may be what was lost.
      if (await isThere(to, blob.digest, signal)) return reached(blob.size);
      const next = (await resume(to, at, blob, signal)) ?? (await beginAgain(to, blob, signal));
      if (next === null) return reached(blob.size);
      at = next;
      reached(at.offset);
    }
  }
}

async function sendPiece(
  source: BlobSource,
  to: End,
  { digest, size }: Descriptor,
  { url, offset }: Point,
  chunk: number,
  { signal, reached }: Transfer,
): Promise<Point> {
  const { session, repository } = to;
  const end = Math.min(offset + chunk, size);
  const length = end - offset;
  async function* body(): AsyncGenerator<Uint8Array> {
    let sent = 0;
    for await (const bytes of source.read(digest, { offset, length })) {
      sent += bytes.byteLength;
      if (sent > length) break;
      yield bytes;
      reached(offset + sent);
    }
    if (sent === length) return;
    const words = `${digest} has not the ${size} bytes that its manifest says`;
    throw new BuildFailure({ code: 'BLOB_MISMATCH', retry: 'never', words });
  }
  const answer = await session.send({
    method: 'PATCH',
    to: url,
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(length),
      'content-range': `${offset}-${end - 1}`,
    },
    body,
    scopes: scopes.push(repository),
    signal,
    onlyOnce: true,
  });
  if (answer.status !== 202 && answer.status !== 201 && answer.status !== 204) {
    const failure = await answerFailure(answer, `${session.host}: PATCH ${repository} blob ${digest}`);
    if (failure.error.code !== 'REGISTRY_REFUSED' && failure.error.code !== 'REGISTRY_NOT_FOUND') throw failure;
    // Where some were taken, it is this upload that is lost.
    throw offset === 0 ? new PiecesRefused(failure) : new BuildFailure({ ...failure.error, retry: 'backoff' });
  }
  answer.discard();
  // It may have taken less than it was sent, and more than that it cannot.
  const taken = receivedOf(answer) ?? end;
  return { url: locationOf(to, answer, url), offset: taken > offset && taken < end ? taken : end };
}

/** Where an upload is, asked of the registry; null where it has given the upload up. */
async function resume(to: End, { url }: Point, { size }: Descriptor, signal: AbortSignal): Promise<Point | null> {
  const { session, repository } = to;
  const answer = await session.send({ method: 'GET', to: url, scopes: scopes.push(repository), signal });
  answer.discard();
  const offset = answer.status === 204 ? receivedOf(answer) : null;
  if (offset === null || offset > size) return null;
  return { url: locationOf(to, answer, url), offset };
}

async function beginAgain(to: End, { digest }: Descriptor, signal: AbortSignal): Promise<Point | null> {
  const upload = await openUpload(to, digest, null, signal);
  return upload === null ? null : { url: upload.url, offset: 0 };
}

function locationOf({ session }: End, answer: Answer, url: URL): URL {
  const location = answer.header('location');
  return (location === undefined ? null : session.address(location, url)) ?? url;
}

/** Bytes that the registry says it has, from the beginning; null where it does not say. Nothing and one byte are both `0-0`. */
function receivedOf(answer: Answer): number | null {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.header('range') ?? '')?.[1];
  if (last === undefined) return null;
  return last === '0' ? 0 : Number(last) + 1;
}
