/** What copies, uploads and downloads share: the documents of an image, several blobs at once, and going on after what is passing. */
import { heldBlobs, type Descriptor, type Document, type ImageIndex } from '../oci/documents.ts';
import { platformMissing } from '../oci/platforms.ts';
import { BuildFailure, type Digest } from '../types.ts';
import { connectionFailure } from './errors.ts';
import { getManifest } from './manifests.ts';
import type { CopyOptions } from './options.ts';
import { BACKOFF_MS, type Session } from './session.ts';
import { createSlots } from './slots.ts';

/** One end of a transfer: a repository of a registry. */
export interface End {
  readonly session: Session;
  readonly repository: string;
}

/** One blob on its way. */
export interface Transfer {
  readonly signal: AbortSignal;
  /** Says how many of its bytes are settled by now; fewer than before when it has to begin again. */
  readonly reached: (bytes: number) => void;
}

const BLOBS_AT_ONCE = 4;
/** Tries that get no further than the one before. */
const TRIES = 3;

/** The documents of an image or an index: those that `choose` picks of an index go before it, the one that was asked for is the last. */
export async function gather(
  read: (digest: Digest) => Promise<Document>,
  manifest: Digest,
  choose: (index: ImageIndex) => readonly Descriptor[] = ({ manifests }) => manifests,
): Promise<readonly [...Document[], Document]> {
  const top = await read(manifest);
  if (top.parsed.kind === 'manifest') return [top];
  const children: Document[] = [];
  for (const { digest } of choose(top.parsed)) {
    const child = await read(digest);
    if (child.parsed.kind === 'index') throw platformMissing(`${manifest}: an index in an index`);
    children.push(child);
  }
  return [...children, top];
}

export async function readRemote({ session, repository }: End, digest: Digest, signal: AbortSignal): Promise<Document> {
  const document = await getManifest(session, repository, digest, signal);
  if (document !== null) return document;
  throw notFound(`${session.host}/${repository}@${digest} is not there`);
}

/** Carries out `one` for each blob of the documents, several at once. The first failure ends the others before it is passed on. */
export async function transferAll(
  documents: readonly Document[],
  options: CopyOptions,
  one: (blob: Descriptor, transfer: Transfer) => Promise<void>,
): Promise<void> {
  const blobs = documents.flatMap(({ parsed }) => (parsed.kind === 'index' ? [] : heldBlobs(parsed)));
  const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  const total = unique.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const slots = createSlots(BLOBS_AT_ONCE);
  const transfers = unique.map(async (blob) => {
    let own = 0;
    const reached = (bytes: number): void => {
      done += bytes - own;
      own = bytes;
      options.onBytes?.(done, total);
    };
    await slots.use(async () => one(blob, { signal, reached }), signal);
  });
  for (const transfer of transfers) transfer.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(transfers);
  if (signal.aborted) throw signal.reason;
}

/**
 * Judges failures of one transfer: resolves, after a pause, where another try is worth it, and throws where not. `reached`: bytes that need
 * not be sent again; whoever gets further may try for ever.
 */
export function createPatience(
  session: Session,
  signal: AbortSignal,
): (error: unknown, reached: number) => Promise<void> {
  let best = 0;
  let tries = 0;
  return async (error, reached) => {
    if (signal.aborted) throw signal.reason;
    const failure = connectionFailure(error, session.host);
    if (!(failure instanceof BuildFailure) || failure.error.retry !== 'backoff') throw failure;
    if (reached > best) tries = 0;
    best = Math.max(best, reached);
    const delay = BACKOFF_MS[tries];
    tries++;
    if (delay === undefined || tries >= TRIES) throw failure;
    await session.pause(delay, signal);
  };
}

export function notFound(words: string): BuildFailure {
  return new BuildFailure({ code: 'REGISTRY_NOT_FOUND', retry: 'never', words });
}
