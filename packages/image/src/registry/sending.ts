/** Blobs into a repository: whether they are there, mounted, sent in one request or in pieces. */
import { createHash } from 'node:crypto';
import type { Descriptor } from '../oci/documents.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { answerFailure } from './errors.ts';
import { scopes } from './manifests.ts';
import type { End, Transfer } from './transfers.ts';

/** An open upload. */
export interface Upload {
  readonly url: URL;
  /** The least that the registry takes as a piece, in bytes; 0 where it does not say. */
  readonly leastChunk: number;
}

/** Whether a repository holds a blob. `scope`: of the login, by default the one that sending it needs as well. */
export async function isThere(
  { session, repository }: End,
  digest: Digest,
  signal: AbortSignal,
  scope: readonly string[] = scopes.push(repository),
): Promise<boolean> {
  const answer = await session.send({
    method: 'HEAD',
    to: `/v2/${repository}/blobs/${digest}`,
    scopes: scope,
    signal,
  });
  if (answer.status !== 200 && answer.status !== 404) {
    throw await answerFailure(answer, `${session.host}: HEAD ${repository} blob ${digest}`);
  }
  answer.discard();
  return answer.status === 200;
}

/** Opens an upload, or null if mounting the blob from the repository `mount` of the same registry made it needless. */
export async function openUpload(
  { session, repository }: End,
  digest: Digest,
  mount: string | null,
  signal: AbortSignal,
): Promise<Upload | null> {
  const uploads = `/v2/${repository}/blobs/uploads/`;
  const query = mount === null ? '' : `?${new URLSearchParams({ mount: digest, from: mount }).toString()}`;
  const answer = await session.send({
    method: 'POST',
    to: `${uploads}${query}`,
    headers: { 'content-length': '0' },
    scopes: [...scopes.push(repository), ...(mount === null ? [] : scopes.pull(mount))],
    signal,
  });
  if (answer.status === 201) {
    answer.discard();
    return null;
  }
  if (answer.status !== 202) throw await answerFailure(answer, `${session.host}: POST ${repository} upload`);
  answer.discard();
  const location = answer.header('location');
  const url = location === undefined ? null : session.address(location, uploads);
  if (url === null) {
    const words = `${session.host}: the upload to ${repository} was opened at no address that can be used`;
    throw new BuildFailure({ code: 'REGISTRY_CORRUPT', retry: 'never', words });
  }
  const least = answer.header('oci-chunk-min-length') ?? '';
  return { url, leastChunk: /^\d{1,10}$/.test(least) ? Number(least) : 0 };
}

/** Gives an upload up that is not needed. Best effort: a registry forgets such uploads by itself. */
export async function cancelUpload({ session, repository }: End, { url }: Upload, signal: AbortSignal): Promise<void> {
  try {
    const call = { method: 'DELETE', to: url, scopes: scopes.push(repository), signal, onlyOnce: true } as const;
    (await session.send(call)).discard();
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
  }
}

/** Ends an upload: with all of the bytes, or with none when they were sent before. */
export async function closeUpload(
  { session, repository }: End,
  url: URL,
  blob: Descriptor,
  bytes: (() => AsyncIterable<Uint8Array>) | null,
  signal: AbortSignal,
): Promise<void> {
  const to = new URL(url);
  to.searchParams.set('digest', blob.digest);
  const answer = await session.send({
    method: 'PUT',
    to,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes === null ? 0 : blob.size) },
    ...(bytes === null ? {} : { body: bytes }),
    scopes: scopes.push(repository),
    signal,
    onlyOnce: true,
  });
  if (answer.status !== 201)
    throw await answerFailure(answer, `${session.host}: PUT ${repository} blob ${blob.digest}`);
  answer.discard();
}

/** The bytes as they come; ends with `wrong` instead of its last byte's successor if they were not those of the descriptor. */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  { digest, size }: Descriptor,
  wrong: BuildFailure,
  { reached }: Transfer,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let seen = 0;
  for await (const chunk of bytes) {
    seen += chunk.byteLength;
    if (seen > size) break;
    hash.update(chunk);
    yield chunk;
    reached(seen);
  }
  if (seen !== size || `sha256:${hash.digest('hex')}` !== digest) throw wrong;
}

/** Whether a registry refused for want of rights: a neighbour that may not be read has nothing. */
export function isDenied(error: unknown): boolean {
  return error instanceof BuildFailure && error.error.code === 'REGISTRY_DENIED';
}
