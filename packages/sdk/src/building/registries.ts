/** Registries as stores ask them: one client, whoever calls, and answers that are images or failures. */
import { BuildFailure, createRegistryClient } from '@rebake/image';
import type {
  BlobMemory,
  Digest,
  Location,
  Output,
  Platform,
  ReferenceAt,
  RegistryClient,
  RepositoryAt,
  Seen,
  Sent,
} from '@rebake/image';
import type { Ctx } from '../builder.ts';
import { failure } from './failures.ts';
import type { LayeredImage } from './parent.ts';

/** An image where it is kept. */
export interface Held {
  /** Digest of its config. */
  readonly identity: Digest;
  /** Digest of what names lead to: its manifest, or an index that holds attestations beside it. */
  readonly top: Digest;
  /** Digest of the image's own manifest. */
  readonly manifest: Digest;
}

/** Who is asking: the signal ends it, logins and settings of registries are the user's. */
export type Use = Pick<Ctx, 'signal' | 'emit' | 'credentials' | 'registry'>;

/** A place in a registry. */
export type RegistryPlace = Extract<Location, { registry: string }>;

const PLATFORMS: readonly Platform[] = ['linux/amd64', 'linux/arm64'];

/** One client for all calls of a builder, so that sockets and tokens last longer than one of them. */
export class Registries {
  readonly #memory: BlobMemory | undefined;
  #client: RegistryClient | undefined;
  #last: Pick<Use, 'credentials' | 'registry'> | undefined;

  /** `memory`: where blobs were in earlier processes. */
  constructor(memory?: BlobMemory) {
    this.#memory = memory;
  }

  /** The client, with logins and settings of whoever asked last: they are the same user's. */
  client(use: Use): RegistryClient {
    this.#last = use;
    this.#client ??= createRegistryClient({
      access: (host) => this.#last?.registry(host) ?? { host },
      credentials: async (host) => (await this.#last?.credentials(host)) ?? null,
      ...(this.#memory === undefined ? {} : { memory: this.#memory }),
    });
    return this.#client;
  }

  /** The image behind a tag or a digest; null: there is none. An index counts as the image for the platform, else the first that it has. */
  async find(at: ReferenceAt, platform: Platform | null, use: Use): Promise<Held | null> {
    const client = this.client(use);
    const { signal } = use;
    const top = valueOf(await client.head(at, { signal }))?.manifest;
    if (top === undefined) return null;
    const exact = { ...at, reference: top };
    let missing: BuildFailure | null = null;
    for (const one of platform === null ? PLATFORMS : [platform]) {
      const seen = await client.resolve(exact, { signal, platform: one });
      if (seen.seen === 'unknown' && seen.why.code === 'PLATFORM_MISSING') {
        missing = new BuildFailure(seen.why);
        continue;
      }
      const value = valueOf(seen);
      return value && { identity: value.identity, top, manifest: value.manifest };
    }
    throw missing ?? new Error('there is no platform to look for');
  }

  /** The layers of an image. */
  async layersOf(at: RepositoryAt, { identity }: Pick<Held, 'identity'>, use: Use): Promise<LayeredImage> {
    const config = valueOf(await this.client(use).config({ ...at, identity }, { signal: use.signal }));
    if (!config)
      throw failure('IMAGE_MISSING', 'never', `${at.registry}/${at.repository} has no config of the image ${identity}`);
    return { id: identity, layers: config.diffIds };
  }

  /** The first of the registries of an image that holds it. Throws the failure of the last, `IMAGE_MISSING` where none is known. */
  async first(image: Output, use: Use): Promise<{ readonly at: RegistryPlace; readonly held: Held }> {
    let last: unknown = failure('IMAGE_MISSING', 'never', `${image.identity} is not known to be in any registry`);
    for (const at of image.at) {
      if (!('registry' in at)) continue;
      try {
        return { at, held: await this.#exactly(image.identity, at, use) };
      } catch (error) {
        use.signal.throwIfAborted();
        last = error;
      }
    }
    throw last;
  }

  async #exactly(identity: Digest, at: RegistryPlace, use: Use): Promise<Held> {
    const reference = { registry: at.registry, repository: at.repository, reference: at.manifest };
    const name = `${at.registry}/${at.repository}@${at.manifest}`;
    const images: Held[] = [];
    for (const platform of PLATFORMS) {
      const held = await this.find(reference, platform, use).catch((error: unknown) => {
        if (error instanceof BuildFailure && error.error.code === 'PLATFORM_MISSING') return null;
        throw error;
      });
      if (held) images.push(held);
      // No index: it is the same for every platform.
      if (held?.top === held?.manifest) break;
    }
    const held = images.find((image) => image.identity === identity);
    // An index with other images in it would bring them along, and a name of it would mean several.
    if (held) return images.length > 1 ? { ...held, top: held.manifest } : held;
    const [other] = images;
    if (other) throw failure('IDENTITY_MISMATCH', 'never', `${name} is ${other.identity}, not ${identity}`);
    throw failure('REGISTRY_NOT_FOUND', 'never', `${name} is not there`);
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
  }
}

function valueOf<T>(seen: Seen<T>): T | null {
  if (seen.seen === 'unknown') throw new BuildFailure(seen.why);
  return seen.seen === 'yes' ? seen.value : null;
}

/** Bytes that are settled, as progress. */
export function onBytes(use: Use): { signal: AbortSignal; onBytes(done: number, of: number): void } {
  return { signal: use.signal, onBytes: (done, of) => use.emit({ type: 'bytes', done, of }) };
}

/** Says what a push took. Returns the manifest's digest. */
export function told({ digest, bytes }: Sent, use: Use): Digest {
  use.emit({ type: 'sent', ...bytes });
  return digest;
}
