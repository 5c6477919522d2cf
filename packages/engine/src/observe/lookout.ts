/** Questions about single images in engines and registries: the same ones for observing before a plan and for checking during an apply. */
import { candidateTag, isDigest } from '@rebake/sdk';
import type {
  Capabilities,
  Digest,
  Image,
  Location,
  Node,
  NodeId,
  Output,
  Platform,
  Publication,
  ReferenceAt,
  RegistryClient,
  RepositoryAt,
  Seen,
} from '@rebake/sdk';
import type { Builders } from '../run/builders.ts';
import { Gate } from './gate.ts';
import type { SilentHosts } from './gate.ts';
import { mergePlaces, placeName } from './known.ts';
import type { Known } from './known.ts';

/** Ways to look. */
export interface LookoutOptions {
  readonly builders: Builders;
  readonly registry: RegistryClient;
  readonly signal: AbortSignal;
  readonly concurrency: number;
  readonly silent: SilentHosts;
}

/** Looks at engines and registries. Keeps which hosts are down, and which manifests it has come across: those need no second look. */
export class Lookout {
  readonly #options: LookoutOptions;
  readonly #gate: Gate;
  readonly #manifests = new Set<string>();

  constructor(options: LookoutOptions) {
    this.#options = options;
    this.#gate = new Gate(options.concurrency, options.silent);
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  capabilities(builder: string): Promise<Seen<Capabilities>> {
    return this.#options.builders.probe(builder, this.signal);
  }

  /** Identity and manifest behind a tag or a digest; `top` is the index, where there is one. */
  async resolve(
    at: ReferenceAt,
    platform: Platform,
  ): Promise<Seen<{ identity: Digest; manifest: Digest; top: Digest }>> {
    const options = { signal: this.signal, platform };
    return this.#noted(at, await this.#gate.ask(at.registry, () => this.#options.registry.resolve(at, options)));
  }

  /** The digest behind a tag or a digest: the least that can be asked. */
  async head(at: ReferenceAt): Promise<Seen<{ manifest: Digest }>> {
    const options = { signal: this.signal };
    return this.#noted(at, await this.#gate.ask(at.registry, () => this.#options.registry.head(at, options)));
  }

  #noted<T extends { readonly manifest: Digest; readonly top?: Digest }>(at: RepositoryAt, seen: Seen<T>): Seen<T> {
    if (seen.seen !== 'yes') return seen;
    const { manifest, top = manifest } = seen.value;
    for (const digest of [manifest, top]) this.#manifests.add(placeName({ ...at, manifest: digest }));
    return seen;
  }

  inspect(builder: string, at: Location | { readonly key: Digest }): Promise<Seen<Output>> {
    return this.#gate.ask(`engine of ${builder}`, () =>
      this.#options.builders.inspect(builder, at, { signal: this.signal }),
    );
  }

  /** Whether an image is at a place. Engines are asked through `builder`; a place in another engine is no place that it could use. */
  async isAt(identity: Digest, at: Location, builder: string): Promise<Seen<Location>> {
    if ('registry' in at) {
      if (this.#manifests.has(placeName(at))) return { seen: 'yes', value: at };
      const seen = await this.head({ registry: at.registry, repository: at.repository, reference: at.manifest });
      return seen.seen === 'yes' ? { seen: 'yes', value: at } : seen;
    }
    const capabilities = await this.capabilities(builder);
    if (capabilities.seen !== 'yes') return capabilities;
    if (capabilities.value.engine !== at.engine) return { seen: 'no' };
    const seen = await this.inspect(builder, at);
    if (seen.seen !== 'yes') return seen;
    return seen.value.identity === identity ? { seen: 'yes', value: at } : { seen: 'no' };
  }

  /** Which of the places an image is really at. Unknown only when it was seen nowhere and not all places could be asked. */
  async locate(output: Output, builder: string): Promise<Seen<Output>> {
    const answers = await Promise.all(output.at.map((at) => this.isAt(output.identity, at, builder)));
    const at = answers.flatMap((answer) => (answer.seen === 'yes' ? [answer.value] : []));
    if (at.length > 0) return { seen: 'yes', value: { identity: output.identity, at } };
    return answers.find((answer) => answer.seen === 'unknown') ?? { seen: 'no' };
  }

  /**
   * The candidate of a key: in the repositories of the image's publications, in its builder's engine, or where an entry of the state
   * with this key says. A place that cannot be asked holds no candidate. Where several identities have the key (a builder that is not
   * reproducible, on two machines), one counts: that of the image's own entry if it has this key (a parent got another name, nothing
   * else), seen or not, since nothing below has to change then; else the one in a registry, because others see it too.
   */
  async candidate(
    image: Image,
    key: Digest,
    publications: readonly Publication[],
    known: Known,
  ): Promise<Output | null> {
    const tag = candidateTag(key);
    const repositories = new Map(
      publications.flatMap((to) =>
        to.registry === null
          ? []
          : [[`${to.registry}/${to.repository}`, { registry: to.registry, repository: to.repository }] as const],
      ),
    );
    const found = await Promise.all([
      ...[...repositories.values()].map((at) => this.#inRepository(at, tag, image)),
      this.inspect(image.builder, { key }),
      ...known.underKey(key).map((output) => this.locate(output, image.builder)),
    ]);
    const outputs = found.flatMap((seen) => (seen.seen === 'yes' ? [seen.value] : []));
    const entry = known.entries.get(image.id);
    if (entry?.key === key) return mergePlaces({ ...entry.output, at: [] }, outputs);
    const [first] = outputs;
    return first ? mergePlaces(first, outputs) : null;
  }

  async #inRepository(at: RepositoryAt, tag: string, image: Image): Promise<Seen<Output>> {
    const seen = await this.resolve({ ...at, reference: tag }, image.platform);
    if (seen.seen !== 'yes') return seen;
    return { seen: 'yes', value: { identity: seen.value.identity, at: [{ ...at, manifest: seen.value.top }] } };
  }
}

/** Publications by the image that they publish. */
export function publicationsByImage(nodes: readonly Node[]): ReadonlyMap<NodeId, readonly Publication[]> {
  const byImage = new Map<NodeId, Publication[]>();
  for (const node of nodes) {
    const [image] = node.parents;
    if (node.role !== 'publication' || image === undefined) continue;
    const known = byImage.get(image);
    if (known) known.push(node);
    else byImage.set(image, [node]);
  }
  return byImage;
}

/** What a reference points to within its repository. */
export function referenceOf(reference: { readonly tag?: string; readonly digest?: Digest }): string {
  return isDigest(reference.digest) ? reference.digest : (reference.tag ?? 'latest');
}
