/** Manifests and small blobs of one repository: read and written as bytes, checked against their digests on the way in and out. */
import { digestOfBytes, isDigest } from '../digest.ts';
import { InvalidDocument } from '../oci/checks.ts';
import {
  checkDigest,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  MEDIA_TYPES,
  parseConfig,
  parseManifest,
  type Document,
  type ImageConfig,
} from '../oci/documents.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { answerFailure, corrupt } from './errors.ts';
import { BACKOFF_MS, type Session } from './session.ts';
import type { Answer } from './transport.ts';

const ACCEPT = Object.keys(MEDIA_TYPES).join(', ');

/** Scopes of the token spec. */
export const scopes = {
  pull: (repository: string): string[] => [`repository:${repository}:pull`],
  push: (repository: string): string[] => [`repository:${repository}:pull,push`],
  remove: (repository: string): string[] => [`repository:${repository}:delete,pull`],
};

/** A manifest by tag or digest; null if there is none. */
export async function getManifest(
  session: Session,
  repository: string,
  reference: string,
  signal: AbortSignal,
): Promise<Document | null> {
  const to = `/v2/${repository}/manifests/${reference}`;
  const answer = await session.send({
    method: 'GET',
    to,
    headers: { accept: ACCEPT },
    scopes: scopes.pull(repository),
    signal,
  });
  if (answer.status === 404) {
    answer.discard();
    return null;
  }
  if (answer.status !== 200) throw await answerFailure(answer, `${session.host}: GET ${repository} ${reference}`);
  const bytes = await answer.bytes(MAX_MANIFEST_BYTES);
  return checked(session.host, () => {
    const digest = digestOfBytes(bytes);
    if (isDigest(reference)) checkDigest(bytes, reference);
    const said = answer.header('docker-content-digest');
    if (isDigest(said)) checkDigest(bytes, said);
    return { digest, bytes, parsed: parseManifest(bytes, answer.header('content-type') ?? '') };
  });
}

/** The digest under which a manifest is stored; null if there is none. */
export async function headManifest(
  session: Session,
  repository: string,
  reference: string,
  signal: AbortSignal,
): Promise<Digest | null> {
  const to = `/v2/${repository}/manifests/${reference}`;
  const answer = await session.send({
    method: 'HEAD',
    to,
    headers: { accept: ACCEPT },
    scopes: scopes.pull(repository),
    signal,
  });
  if (answer.status === 404) {
    answer.discard();
    return null;
  }
  if (answer.status !== 200) throw await answerFailure(answer, `${session.host}: HEAD ${repository} ${reference}`);
  answer.discard();
  const digest = answer.header('docker-content-digest');
  // Not every registry says it; the content always does.
  if (!isDigest(digest)) return (await getManifest(session, repository, reference, signal))?.digest ?? null;
  if (isDigest(reference) && digest !== reference) {
    throw corrupt(session.host, new InvalidDocument(`${reference} was asked for, and ${digest} answered`));
  }
  return digest;
}

/** Stores a manifest under a tag or its digest, byte for byte, and makes sure that the registry has it so. */
export async function putManifest(
  session: Session,
  repository: string,
  reference: string,
  { bytes, digest, parsed }: Document,
  signal: AbortSignal,
): Promise<void> {
  const put = async (): Promise<Answer> =>
    session.send({
      method: 'PUT',
      to: `/v2/${repository}/manifests/${reference}`,
      headers: { 'content-type': parsed.mediaType },
      body: () => bytes,
      scopes: scopes.push(repository),
      signal,
    });
  let answer = await put();
  if (answer.status === 400) {
    const refused = await answerFailure(answer, `${session.host}: PUT ${repository} ${reference}`);
    // Distribution 2.8 says so when somebody else puts the same manifest at this moment, and takes it a moment later.
    if (!/\bDIGEST_INVALID\b/.test(refused.error.words)) throw refused;
    await session.pause(BACKOFF_MS[0], signal);
    answer = await put();
  }
  if (answer.status !== 201 && answer.status !== 200 && answer.status !== 202) {
    throw await answerFailure(answer, `${session.host}: PUT ${repository} ${reference}`);
  }
  answer.discard();
  const said = answer.header('docker-content-digest');
  const stored = isDigest(said) ? said : await headManifest(session, repository, reference, signal);
  if (stored !== digest) {
    const words = `${session.host}/${repository}: ${digest} was put as ${reference}, and is stored as ${stored ?? 'nothing'}`;
    throw new BuildFailure({ code: 'REGISTRY_CORRUPT', retry: 'never', words });
  }
}

/** The config blob of an image. */
export async function getConfig(
  session: Session,
  repository: string,
  identity: Digest,
  signal: AbortSignal,
): Promise<ImageConfig | null> {
  const answer = await getBlob(session, repository, identity, signal);
  if (answer === null) return null;
  const bytes = await answer.bytes(MAX_CONFIG_BYTES);
  return checked(session.host, () => {
    checkDigest(bytes, identity);
    return parseConfig(bytes);
  });
}

/** The answer with a blob's bytes, not yet read and not checked; null if there is none. With an `offset` it may be a part (206), or all. */
export async function getBlob(
  session: Session,
  repository: string,
  digest: Digest,
  signal: AbortSignal,
  offset = 0,
): Promise<Answer | null> {
  const answer = await session.send({
    method: 'GET',
    to: `/v2/${repository}/blobs/${digest}`,
    ...(offset === 0 ? {} : { headers: { range: `bytes=${offset}-` } }),
    scopes: scopes.pull(repository),
    signal,
  });
  if (answer.status === 200 || (offset > 0 && answer.status === 206)) return answer;
  if (answer.status !== 404) throw await answerFailure(answer, `${session.host}: GET ${repository} blob ${digest}`);
  answer.discard();
  return null;
}

function checked<T>(host: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof InvalidDocument ? corrupt(host, error) : error;
  }
}
