/** A registry in memory: manifests and tags by repository, hosts that can be down. */
import { digestOf } from '@rebake/sdk';
import type { BuildError, Digest, RegistryClient, Seen, Sent } from '@rebake/sdk';
import { BuildFailure } from '@rebake/sdk';

interface Repository {
  readonly manifests: Map<Digest, Digest>;
  readonly tags: Map<string, Digest>;
}

/** Repositories, and what was asked of them. */
export class FakeRegistry implements RegistryClient {
  readonly repositories = new Map<string, Repository>();
  readonly down = new Set<string>();
  readonly asked: string[] = [];
  /** Manifests that stand in an index, as those with attestations do: digest of the index → of the manifest. */
  readonly indexes = new Map<Digest, Digest>();

  repository(registry: string, repository: string): Repository {
    const name = `${registry}/${repository}`;
    let found = this.repositories.get(name);
    if (!found) this.repositories.set(name, (found = { manifests: new Map(), tags: new Map() }));
    return found;
  }

  /** Puts an image under a tag; returns its manifest digest. */
  put(registry: string, repository: string, tag: string, identity: Digest): Digest {
    const manifest = manifestOf(identity);
    const { manifests, tags } = this.repository(registry, repository);
    manifests.set(manifest, identity);
    tags.set(tag, manifest);
    return manifest;
  }

  /** Puts an image with attestations under a tag; returns the digest of its index. */
  putIndex(registry: string, repository: string, tag: string, identity: Digest): Digest {
    const manifest = this.put(registry, repository, tag, identity);
    const index = digestOf(['index', identity]);
    const { manifests, tags } = this.repository(registry, repository);
    this.indexes.set(index, manifest);
    manifests.set(index, identity);
    tags.set(tag, index);
    return index;
  }

  /** Identity behind a tag or digest, as the outside would see it. */
  shown(registry: string, repository: string, reference: string): Digest | null {
    const { manifests, tags } = this.repository(registry, repository);
    return manifests.get(tags.get(reference) ?? (reference as Digest)) ?? null;
  }

  async resolve(at: {
    registry: string;
    repository: string;
    reference: string;
  }): Promise<Seen<{ identity: Digest; manifest: Digest; top: Digest; mediaType: string }>> {
    const identity = this.#look(at, 'resolve');
    if (typeof identity !== 'string') return identity;
    return {
      seen: 'yes',
      value: {
        identity,
        manifest: manifestOf(identity),
        top: this.#topOf(at, identity),
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
      },
    };
  }

  async head(at: { registry: string; repository: string; reference: string }): Promise<Seen<{ manifest: Digest }>> {
    const identity = this.#look(at, 'head');
    return typeof identity === 'string' ? { seen: 'yes', value: { manifest: this.#topOf(at, identity) } } : identity;
  }

  async config(): Promise<never> {
    throw new Error('not asked for by the engine');
  }

  async tag(at: { registry: string; repository: string; manifest: Digest }, tag: string): Promise<void> {
    this.#check(at.registry);
    const { manifests, tags } = this.repository(at.registry, at.repository);
    if (!manifests.has(at.manifest))
      throw new BuildFailure({ code: 'REGISTRY_NOT_FOUND', retry: 'never', words: 'no such manifest' });
    this.asked.push(`tag ${at.repository}:${tag}`);
    tags.set(tag, at.manifest);
  }

  async copy(
    from: { registry: string; repository: string; manifest: Digest },
    to: { registry: string; repository: string; tag: string },
  ): Promise<Sent> {
    this.#check(from.registry);
    this.#check(to.registry);
    const identity = this.repository(from.registry, from.repository).manifests.get(from.manifest);
    if (!identity) throw new BuildFailure({ code: 'REGISTRY_NOT_FOUND', retry: 'never', words: 'no such manifest' });
    this.asked.push(`copy ${from.repository} to ${to.repository}`);
    const digest = this.indexes.has(from.manifest)
      ? this.putIndex(to.registry, to.repository, to.tag, identity)
      : this.put(to.registry, to.repository, to.tag, identity);
    const isSame = from.registry === to.registry;
    return { digest, bytes: { uploaded: isSame ? 0 : 1_000, mounted: isSame ? 1_000 : 0, skipped: 10 } };
  }

  async upload(): Promise<never> {
    throw new Error('not asked for by the engine');
  }

  async sendBlob(): Promise<never> {
    throw new Error('not asked for by the engine');
  }

  async download(): Promise<never> {
    throw new Error('not asked for by the engine');
  }

  async remove(at: { registry: string; repository: string; manifest: Digest }): Promise<void> {
    this.#check(at.registry);
    const { manifests, tags } = this.repository(at.registry, at.repository);
    this.asked.push(`remove ${at.repository}@${at.manifest}`);
    manifests.delete(at.manifest);
    for (const [tag, manifest] of tags) if (manifest === at.manifest) tags.delete(tag);
  }

  async close(): Promise<void> {}

  #topOf(at: { registry: string; repository: string; reference: string }, identity: Digest): Digest {
    const { tags } = this.repository(at.registry, at.repository);
    const named = tags.get(at.reference) ?? (at.reference as Digest);
    return this.indexes.has(named) ? named : manifestOf(identity);
  }

  #look(at: { registry: string; repository: string; reference: string }, how: string): Digest | Seen<never> {
    this.asked.push(`${how} ${at.registry}/${at.repository} ${at.reference}`);
    if (this.down.has(at.registry)) return { seen: 'unknown', why: downError(at.registry) };
    return this.shown(at.registry, at.repository, at.reference) ?? { seen: 'no' };
  }

  #check(registry: string): void {
    if (this.down.has(registry)) throw new BuildFailure(downError(registry));
  }
}

/** The manifest digest that a fake image has everywhere. */
export function manifestOf(identity: Digest): Digest {
  return digestOf(['manifest', identity]);
}

function downError(registry: string): BuildError {
  return { code: 'REGISTRY_UNREACHABLE', retry: 'never', words: `${registry} does not answer` };
}
