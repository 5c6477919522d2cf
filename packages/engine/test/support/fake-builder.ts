/** An engine in memory with its builder: an image is the hash of its spec and its parents, and remembers both. */
import { BuildFailure, candidateTag, digestOf, STEP_VERSIONS } from '@rebake/sdk';
import type { Builder, Capabilities, Ctx, Digest, Job, Location, Output, Seen } from '@rebake/sdk';
import { manifestOf } from './fake-registry.ts';
import type { FakeRegistry } from './fake-registry.ts';

/** What an image was made from: everything that counts for its contents. */
export interface Made {
  readonly steps: unknown;
  readonly parents: readonly Digest[];
}

/** Images that were ever made, by identity: shared by all engines of a test. */
export type Origins = Map<Digest, Made>;

/** One engine. Tests change its public parts. */
export class FakeBuilder implements Builder {
  readonly engine: string;
  readonly names = new Map<string, Digest>();
  readonly origins: Origins;
  readonly registry: FakeRegistry;
  readonly built: string[] = [];
  contents = 'fake@1';
  reproducible = true;
  down = false;
  /** Whether what it pushes is an index with attestations. */
  attests = false;
  /** Called in every build, after it was noted and before anything is made. */
  onBuild: (name: string, job: Job, ctx: Ctx) => Promise<void> = () => Promise.resolve();
  /** Called in every push. */
  onPush: (ctx: Ctx) => void = () => undefined;
  #nonce = 0;

  constructor(engine: string, registry: FakeRegistry, origins: Origins = new Map()) {
    this.engine = engine;
    this.registry = registry;
    this.origins = origins;
  }

  async probe(): Promise<Capabilities> {
    this.#check();
    const steps = Object.entries(STEP_VERSIONS).map(([step, version]) => `${step}@${version}`);
    return {
      engine: this.engine,
      contents: this.contents,
      steps,
      platforms: ['linux/amd64'],
      reproducible: this.reproducible,
    };
  }

  async build(job: Job, ctx: Ctx): Promise<Output> {
    this.#check();
    const name = stepName(job);
    this.built.push(name);
    await this.onBuild(name, job, ctx);
    ctx.signal.throwIfAborted();
    if (job.parent && !this.#canUse(job.parent))
      throw new BuildFailure({ code: 'PARENT_GONE', retry: 'never', words: 'no such image' });
    const pinned = Object.entries(job.froms)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, output]) => output.identity);
    const parents = [...(job.parent && !pinned.includes(job.parent.identity) ? [job.parent.identity] : []), ...pinned];
    const made: Made = { steps: job.spec.steps, parents };
    const identity = digestOf(this.reproducible ? made : { ...made, nonce: `${this.engine} ${this.#nonce++}` });
    this.origins.set(identity, made);
    const at = this.candidate(job.key);
    this.names.set(at.name, identity);
    return { identity, at: [at] };
  }

  async fetch(image: Output, key: Digest): Promise<Location> {
    this.#check();
    if (!this.#inRegistry(image))
      throw new BuildFailure({ code: 'REGISTRY_NOT_FOUND', retry: 'never', words: 'no such image' });
    const at = this.candidate(key);
    this.names.set(at.name, image.identity);
    return at;
  }

  async push(image: Output, to: { registry: string; repository: string; key: Digest }, ctx: Ctx): Promise<Digest> {
    this.#check();
    this.onPush(ctx);
    if (!this.#here(image)) throw new BuildFailure({ code: 'IMAGE_GONE', retry: 'never', words: 'no such image' });
    if (this.registry.down.has(to.registry))
      throw new BuildFailure({ code: 'REGISTRY_UNREACHABLE', retry: 'never', words: 'down' });
    const tag = candidateTag(to.key);
    if (this.attests) return this.registry.putIndex(to.registry, to.repository, tag, image.identity);
    return this.registry.put(to.registry, to.repository, tag, image.identity);
  }

  async tag(image: Output, name: string): Promise<Location> {
    this.#check();
    if (!this.#here(image)) throw new BuildFailure({ code: 'IMAGE_GONE', retry: 'never', words: 'no such image' });
    this.names.set(name, image.identity);
    return { engine: this.engine, name };
  }

  async inspect(at: Location | { readonly key: Digest }): Promise<Seen<Output>> {
    if (this.down) return { seen: 'unknown', why: this.#downError() };
    const place = 'key' in at ? this.candidate(at.key) : at;
    const identity = 'engine' in place ? this.names.get(place.name) : undefined;
    return identity ? { seen: 'yes', value: { identity, at: [place] } } : { seen: 'no' };
  }

  async remove(at: Location): Promise<void> {
    this.#check();
    if ('engine' in at) this.names.delete(at.name);
  }

  async close(): Promise<void> {}

  candidate(key: Digest): { engine: string; name: string } {
    return { engine: this.engine, name: `rebake/candidate:${candidateTag(key)}` };
  }

  #here(image: Output): boolean {
    return [...this.names.values()].includes(image.identity);
  }

  #canUse(image: Output): boolean {
    return this.#here(image) || (!this.origins.has(image.identity) && this.#inRegistry(image));
  }

  #inRegistry(image: Output): boolean {
    return image.at.some(
      (at) =>
        'registry' in at &&
        this.registry.shown(at.registry, at.repository, manifestOf(image.identity)) === image.identity,
    );
  }

  #check(): void {
    if (this.down) throw new BuildFailure(this.#downError());
  }

  #downError() {
    return { code: 'ENGINE_UNREACHABLE', retry: 'never', words: `${this.engine} does not answer` } as const;
  }
}

/** The name that a test gave a job: the first word of its first `run` step. */
export function stepName(job: Job): string {
  const step = job.spec.steps.find((one) => one.step === 'run');
  return step?.step === 'run' ? (step.argv[0] ?? '') : '';
}
