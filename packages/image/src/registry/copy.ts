/** Copying an image between repositories: what is there is not sent, what the same registry holds is mounted, the rest is streamed. */
import { createHash } from 'node:crypto';
import type { Descriptor, Document } from '../oci/documents.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { answerFailure, connectionFailure } from './errors.ts';
import { getBlob, getManifest, putManifest, scopes } from './manifests.ts';
import type { CopyOptions } from './options.ts';
import type { Session } from './session.ts';
import { createSlots } from './slots.ts';

/** One end of a copy. */
export interface End {
  readonly session: Session;
  readonly repository: string;
}

const BLOBS_AT_ONCE = 4;
const TRIES = 3;

/** Copies a manifest or an index with all that it refers to, and stores it under `tag`. Returns its digest, which a copy never changes. */
export async function copyImage(
  from: End,
  to: End,
  what: { readonly manifest: Digest; readonly tag: string },
  options: CopyOptions,
): Promise<Digest> {
  const top = await read(from, what.manifest, options.signal);
  const documents = [top];
  if (top.parsed.kind === 'index') {
    for (const { digest } of top.parsed.manifests) documents.push(await read(from, digest, options.signal));
  }
  await copyBlobs(from, to, documents.flatMap(blobsOf), options);
  // An index goes last: a registry takes it only when all of its manifests are there.
  for (const child of documents.slice(1))
    await putManifest(to.session, to.repository, child.digest, child, options.signal);
  await putManifest(to.session, to.repository, what.tag, top, options.signal);
  return top.digest;
}

async function read({ session, repository }: End, digest: Digest, signal: AbortSignal): Promise<Document> {
  const document = await getManifest(session, repository, digest, signal);
  if (document !== null) return document;
  const words = `${session.host}/${repository}@${digest} is not there`;
  throw new BuildFailure({ code: 'REGISTRY_NOT_FOUND', retry: 'never', words });
}

/** Blobs of a manifest that registries hold; foreign layers are fetched from their own addresses by whoever runs the image. */
function blobsOf({ parsed }: Document): Descriptor[] {
  if (parsed.kind === 'index') return [];
  return [parsed.config, ...parsed.layers.filter(({ urls }) => urls === undefined || urls.length === 0)];
}

async function copyBlobs(from: End, to: End, blobs: readonly Descriptor[], options: CopyOptions): Promise<void> {
  const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  const total = unique.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const add = (bytes: number): void => {
    done += bytes;
    options.onBytes?.(done, total);
  };
  // The first failure ends the other transfers, and all of them have ended before it is passed on.
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const slots = createSlots(BLOBS_AT_ONCE);
  const copies = unique.map(async (blob) => slots.use(async () => copyBlob(from, to, blob, { signal, add }), signal));
  for (const copy of copies) copy.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(copies);
  if (signal.aborted) throw signal.reason;
}

interface Transfer {
  readonly signal: AbortSignal;
  readonly add: (bytes: number) => void;
}

async function copyBlob(from: End, to: End, blob: Descriptor, { signal, add }: Transfer): Promise<void> {
  const isSameRegistry = from.session.host === to.session.host;
  if (isSameRegistry && from.repository === to.repository) return add(blob.size);
  if (!isSameRegistry && (await isThere(to, blob.digest, signal))) return add(blob.size);
  for (let attempt = 1; ; attempt++) {
    const upload = await begin(from, to, blob.digest, isSameRegistry, signal);
    if (upload === null) return add(blob.size);
    let sent = 0;
    const count = (bytes: number): void => {
      sent += bytes;
      add(bytes);
    };
    try {
      return await send(from, to, blob, upload, { signal, add: count });
    } catch (error) {
      // What broke on the way begins anew with an upload of its own.
      add(-sent);
      const failure = signal.aborted ? signal.reason : connectionFailure(error, to.session.host);
      if (attempt === TRIES || !(failure instanceof BuildFailure) || failure.error.retry !== 'backoff') throw failure;
    }
  }
}

async function isThere({ session, repository }: End, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const answer = await session.send({
    method: 'HEAD',
    to: `/v2/${repository}/blobs/${digest}`,
    scopes: scopes.push(repository),
    signal,
  });
  if (answer.status !== 200 && answer.status !== 404) {
    throw await answerFailure(answer, `${session.host}: HEAD ${repository} blob ${digest}`);
  }
  answer.discard();
  return answer.status === 200;
}

/** Opens an upload, or null if mounting made it needless. */
async function begin(from: End, to: End, digest: Digest, mount: boolean, signal: AbortSignal): Promise<URL | null> {
  const uploads = `/v2/${to.repository}/blobs/uploads/`;
  const query = new URLSearchParams({ mount: digest, from: from.repository });
  const answer = await to.session.send({
    method: 'POST',
    to: mount ? `${uploads}?${query.toString()}` : uploads,
    headers: { 'content-length': '0' },
    scopes: mount ? [...scopes.push(to.repository), ...scopes.pull(from.repository)] : scopes.push(to.repository),
    signal,
  });
  if (answer.status === 201) {
    answer.discard();
    return null;
  }
  if (answer.status !== 202) throw await answerFailure(answer, `${to.session.host}: POST ${to.repository} upload`);
  answer.discard();
  const location = answer.header('location');
  const url = location === undefined ? null : to.session.address(location, uploads);
  if (url === null) {
    const words = `${to.session.host}: the upload to ${to.repository} was opened at no address that can be used`;
    throw new BuildFailure({ code: 'REGISTRY_CORRUPT', retry: 'never', words });
  }
  url.searchParams.set('digest', digest);
  return url;
}

async function send(from: End, to: End, blob: Descriptor, upload: URL, { signal, add }: Transfer): Promise<void> {
  const source = await getBlob(from.session, from.repository, blob.digest, signal);
  if (source === null) {
    const words = `${from.session.host}/${from.repository}: the blob ${blob.digest} is not there`;
    throw new BuildFailure({ code: 'REGISTRY_NOT_FOUND', retry: 'never', words });
  }
  const answer = await to.session.send({
    method: 'PUT',
    to: upload,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
    body: () => verified(source.stream(), blob, from.session.host, add),
    scopes: scopes.push(to.repository),
    signal,
    onlyOnce: true,
  });
  if (answer.status !== 201)
    throw await answerFailure(answer, `${to.session.host}: PUT ${to.repository} blob ${blob.digest}`);
  answer.discard();
}

/** The bytes as they come; ends with a failure instead of its last byte's successor if they were not those of the descriptor. */
async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  { digest, size }: Descriptor,
  host: string,
  add: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let seen = 0;
  for await (const chunk of bytes) {
    seen += chunk.byteLength;
    if (seen > size) break;
    hash.update(chunk);
    yield chunk;
    add(chunk.byteLength);
  }
  if (seen === size && `sha256:${hash.digest('hex')}` === digest) return;
  throw new BuildFailure({
    code: 'REGISTRY_CORRUPT',
    retry: 'never',
    words: `${host}: the content is not that of ${digest}`,
  });
}
