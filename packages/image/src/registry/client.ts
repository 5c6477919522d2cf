/** The registry client: what is behind a reference, moving tags, copying and removing. One session a registry, opened when first needed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobSink, BlobSource } from '../layout/types.ts';
import type { Descriptor, Document, ImageConfig } from '../oci/documents.ts';
import { entryFor, platformMissing as missing } from '../oci/platforms.ts';
import { isRegistryHost, isRepository, isTag } from '../oci/reference.ts';
import { isDigest } from '../digest.ts';
import {
  BuildFailure,
  type Credentials,
  type Digest,
  type Platform,
  type RegistryAccess,
  type Seen,
} from '../types.ts';
import { answerFailure, observe } from './errors.ts';
import { getConfig, getManifest, headManifest, putManifest, scopes } from './manifests.ts';
import type { CopyOptions, DownloadOptions, Sent, SentBytes, UploadOptions } from './options.ts';
import type { BlobMemory } from './blobs.ts';
import type { Session } from './session.ts';

/** A repository of a registry (`host[:port]`). */
export interface RepositoryAt {
  readonly registry: string;
  readonly repository: string;
}

/** Something in a repository, by tag or digest. */
export interface ReferenceAt extends RepositoryAt {
  readonly reference: string;
}

/** An image or index in a repository, by its manifest's digest. */
export interface ManifestAt extends RepositoryAt {
  readonly manifest: Digest;
}

/** An image that was found: its identity (config digest), and its manifest, for indexes that of the platform. */
export interface Resolved {
  readonly identity: Digest;
  readonly manifest: Digest;
  /** Digest of what the reference names: the index, where it is one, with all that belongs to the image (attestations, other platforms). */
  readonly top: Digest;
  readonly mediaType: string;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
}

/**
 * Talks to registries. Looks answer `Seen`: 404 is no; whatever else hinders is unknown (`REGISTRY_DENIED`, `REGISTRY_UNREACHABLE`,
 * `REGISTRY_TLS`, `REGISTRY_BUSY`, `REGISTRY_REFUSED`, `REGISTRY_CORRUPT`, `PLATFORM_MISSING`). The others reject with a `BuildFailure` of the
 * same codes. All reject with the signal's reason when aborted.
 */
export interface RegistryClient {
  /** Reads the manifest behind a reference, checked against its digest; an index is followed to the platform. */
  resolve(at: ReferenceAt, options: RequestOptions & { readonly platform?: Platform }): Promise<Seen<Resolved>>;
  /** Asks for the digest only: of the index, if it is one. */
  head(at: ReferenceAt, options: RequestOptions): Promise<Seen<{ readonly manifest: Digest }>>;
  /** The config of an image: platform, layers, environment. `identity` as `resolve` gave it. */
  config(at: RepositoryAt & { readonly identity: Digest }, options: RequestOptions): Promise<Seen<ImageConfig>>;
  /** Puts the same bytes under one more tag (or moves the tag), and makes sure that they are. */
  tag(at: ManifestAt, tag: string, options: RequestOptions): Promise<void>;
  /** Copies an image or an index with all that it refers to; its digest stays what it is. */
  copy(from: ManifestAt, to: RepositoryAt & { readonly tag: string }, options: CopyOptions): Promise<Sent>;
  /**
   * Sends an image or an index with all that it refers to from `source`, and stores it under `tag`, or without one under its digest. Rejects
   * with `BLOB_MISSING` or `BLOB_MISMATCH` where the source is not whole.
   */
  upload(
    source: BlobSource,
    manifest: Digest,
    to: RepositoryAt & { readonly tag?: string },
    options: UploadOptions,
  ): Promise<Sent>;
  /**
   * Sends one blob ahead of the manifest that will name it. An `upload` of this client that comes later counts the blob as what it was here:
   * sent, mounted or there already. Rejects as `upload` does.
   */
  sendBlob(
    source: BlobSource,
    blob: Pick<Descriptor, 'digest' | 'size'>,
    to: RepositoryAt,
    options: UploadOptions,
  ): Promise<SentBytes>;
  /**
   * Fetches an image, or an index with its images, into `sink`: config and layers first, the manifest last, so that where it is all of it is.
   * Returns its digest. Rejects with `PLATFORM_MISSING` when an index has no image for the platform that is asked for.
   */
  download(from: ManifestAt, sink: BlobSink, options: DownloadOptions): Promise<Digest>;
  /** Deletes a manifest with all of its tags. Missing is fine; a registry that does not delete is a failure. */
  remove(at: ManifestAt, options: RequestOptions): Promise<void>;
  /** Closes idle sockets, so that the process can end. */
  close(): Promise<void>;
}

export interface RegistryClientOptions {
  /** Transport settings of a host. */
  access(host: string): RegistryAccess;
  /** Login for a host, null for none; asked for only when the registry wants one. */
  credentials(host: string): Promise<Credentials | null>;
  /** Default: `rebake`. */
  readonly userAgent?: string;
  /** Requests at once to a host whose access does not say how many. Default 16. */
  readonly concurrencyPerHost?: number;
  /** Milliseconds since the epoch, for the expiry of tokens. Default: the clock. */
  readonly now?: () => number;
  /** Waits between tries. Default: a timer. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** What earlier processes learnt about where blobs are: they are mounted from there. Default: nothing. */
  readonly memory?: BlobMemory;
  /** Where HTTPS_PROXY and NO_PROXY are looked for. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Manifests that are kept in memory, by digest: they never change, and moving tags needs them again. */
const KEPT_MANIFESTS = 256;

/** Makes a client. Nothing is opened or asked before the first request. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const sessions = new Map<string, Promise<Session>>();
  const kept = new Map<Digest, Document>();

  async function sessionOf(host: string): Promise<Session> {
    const before = sessions.get(host);
    if (before !== undefined) return before;
    if (!isRegistryHost(host)) throw invalid(`${JSON.stringify(host)} is not a registry host`);
    const session = openSession(host);
    sessions.set(host, session);
    return session;
  }

  async function openSession(host: string): Promise<Session> {
    // Node's own HTTP and TLS are loaded here: a plan that asks no registry does without.
    const { createSession } = await import('./session.ts');
    const access = { ...options.access(host), host };
    return createSession({
      access,
      credentials: async () => options.credentials(host),
      atOnce: access.atOnce ?? options.concurrencyPerHost ?? 16,
      userAgent: options.userAgent ?? 'rebake',
      env: { ...(options.env ?? process.env) },
      now: options.now ?? (() => Date.now()),
      memory: options.memory ?? null,
      pause: options.pause ?? (async (ms, signal) => sleep(ms, undefined, { signal })),
    });
  }

  async function place({ registry, repository }: RepositoryAt): Promise<Session> {
    checkRepository(repository);
    return sessionOf(registry);
  }

  async function manifest(at: ReferenceAt, signal: AbortSignal): Promise<Document | null> {
    const session = await place(at);
    checkReference(at.reference);
    const document = await getManifest(session, at.repository, at.reference, signal);
    if (document !== null) keep(document);
    return document;
  }

  function keep(document: Document): void {
    kept.delete(document.digest);
    kept.set(document.digest, document);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_MANIFESTS && oldest !== undefined) kept.delete(oldest);
  }

  async function resolve(
    at: ReferenceAt,
    platform: Platform | undefined,
    signal: AbortSignal,
  ): Promise<Resolved | null> {
    const document = await manifest(at, signal);
    if (document === null) return null;
    const { parsed, digest } = document;
    if (parsed.kind === 'manifest')
      return { identity: parsed.config.digest, manifest: digest, top: digest, mediaType: parsed.mediaType };
    const name = `${at.registry}/${at.repository} ${at.reference}`;
    if (platform === undefined) throw missing(`${name} is an index, and no platform was asked for`);
    const entry = entryFor(parsed, platform, name);
    const image = await manifest({ ...at, reference: entry.digest }, signal);
    if (image === null) throw missing(`${name}: its image for ${platform} is not there`);
    if (image.parsed.kind === 'index') throw missing(`${name}: an index in an index`);
    const { config, mediaType } = image.parsed;
    return { identity: config.digest, manifest: image.digest, top: digest, mediaType };
  }

  return {
    resolve: async (at, { platform, signal }) => observe(async () => resolve(at, platform, signal)),

    head: async (at, { signal }) =>
      observe(async () => {
        const session = await place(at);
        checkReference(at.reference);
        const digest = await headManifest(session, at.repository, at.reference, signal);
        return digest === null ? null : { manifest: digest };
      }),

    config: async (at, { signal }) =>
      observe(async () => getConfig(await place(at), at.repository, at.identity, signal)),

    async tag(at, tag, { signal }) {
      const session = await place(at);
      checkTag(tag);
      const document = kept.get(at.manifest) ?? (await manifest({ ...at, reference: at.manifest }, signal));
      if (document === null) {
        const words = `${at.registry}/${at.repository}@${at.manifest} is not there, so that no tag can be put on it`;
        throw new BuildFailure({ code: 'REGISTRY_NOT_FOUND', retry: 'never', words });
      }
      await putManifest(session, at.repository, tag, document, signal);
    },

    async copy(from, to, copyOptions) {
      checkTag(to.tag);
      const ends = [
        { session: await place(from), repository: from.repository },
        { session: await place(to), repository: to.repository },
      ] as const;
      const { copyImage } = await import('./copy.ts');
      return copyImage(...ends, { manifest: from.manifest, tag: to.tag }, copyOptions);
    },

    async upload(source, digest, to, uploadOptions) {
      if (to.tag !== undefined) checkTag(to.tag);
      checkDigest(digest);
      for (const repository of uploadOptions.mountFrom ?? []) checkRepository(repository);
      const end = { session: await place(to), repository: to.repository };
      const { uploadImage } = await import('./upload.ts');
      return uploadImage(source, end, { manifest: digest, tag: to.tag ?? null }, uploadOptions);
    },

    async sendBlob(source, blob, to, uploadOptions) {
      checkDigest(blob.digest);
      for (const repository of uploadOptions.mountFrom ?? []) checkRepository(repository);
      const end = { session: await place(to), repository: to.repository };
      const { sendAhead } = await import('./upload.ts');
      return sendAhead(source, end, blob, uploadOptions);
    },

    async download(from, sink, downloadOptions) {
      checkDigest(from.manifest);
      const end = { session: await place(from), repository: from.repository };
      const { downloadImage } = await import('./download.ts');
      return downloadImage(end, sink, from.manifest, downloadOptions);
    },

    async remove(at, { signal }) {
      const session = await place(at);
      checkReference(at.manifest);
      const answer = await session.send({
        method: 'DELETE',
        to: `/v2/${at.repository}/manifests/${at.manifest}`,
        scopes: scopes.remove(at.repository),
        signal,
      });
      if (answer.status !== 202 && answer.status !== 200 && answer.status !== 404) {
        throw await answerFailure(answer, `${at.registry}: DELETE ${at.repository}@${at.manifest}`);
      }
      answer.discard();
    },

    async close() {
      const open = [...sessions.values()];
      sessions.clear();
      for (const session of open) (await session).close();
    },
  };
}

function checkReference(reference: string): void {
  if (!isDigest(reference)) checkTag(reference);
}

function checkDigest(digest: string): void {
  if (!isDigest(digest)) throw invalid(`${JSON.stringify(digest)} is not a digest`);
}

function checkRepository(repository: string): void {
  if (!isRepository(repository)) throw invalid(`${JSON.stringify(repository)} is not a repository name`);
}

function checkTag(tag: string): void {
  if (!isTag(tag)) throw invalid(`${JSON.stringify(tag)} is not a tag`);
}

function invalid(words: string): BuildFailure {
  return new BuildFailure({ code: 'REFERENCE_INVALID', retry: 'never', words });
}
