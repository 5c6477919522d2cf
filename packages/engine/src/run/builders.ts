/** Builders as a run uses them: loaded when first needed, probed once, their answers checked. */
import { BuildFailure } from '@rebake/sdk';
import type {
  Builder,
  BuildError,
  Built,
  Capabilities,
  Ctx,
  Digest,
  Job,
  Location,
  Output,
  Progress,
  Seen,
} from '@rebake/sdk';
import { asFailure, checkBuilt, checkCapabilities, checkDigest, checkLocation, checkSeen } from './answers.ts';
import { silent, withCtx } from './ctx.ts';
import type { CtxFactory } from './ctx.ts';
import { cleanError } from './events.ts';

/** A builder that can be had, and its bounds. */
export interface PooledBuilder {
  /** Loads it; called once for each use of the pool, so whoever makes the pool remembers what was loaded. */
  load(): Promise<Builder>;
  /** Builds and fetches at once; null: as many as the builder itself says, see {@link lanesOf}. */
  readonly parallel: number | null;
  /** Longest time for one build, fetch or push, in milliseconds; null: no limit. */
  readonly timeoutMs: number | null;
}

/** Builders by the names that nodes use. */
export type BuilderPool = ReadonlyMap<string, PooledBuilder>;

/** A pool whose builders are loaded once, and closed if they were. */
export function createBuilderPool(builders: ReadonlyMap<string, PooledBuilder>): {
  readonly pool: BuilderPool;
  close(): Promise<void>;
} {
  const loaded = new Map<string, Promise<Builder>>();
  const pool = new Map<string, PooledBuilder>();
  for (const [name, builder] of builders) {
    const load = async (): Promise<Builder> => {
      let own = loaded.get(name);
      if (!own) loaded.set(name, (own = builder.load()));
      return own;
    };
    pool.set(name, { ...builder, load });
  }
  const close = async (): Promise<void> => {
    // One that could not be loaded has nothing to close.
    const ready = await Promise.allSettled(loaded.values());
    // What fails to close fails nobody: all that was asked of it is done.
    await Promise.allSettled(ready.map(async (one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
  };
  return { pool, close };
}

/** How a call is watched. */
export interface Call {
  readonly signal: AbortSignal;
  emit?(progress: Progress): void;
}

/** The builders of one observation or one run. */
export class Builders {
  readonly #pool: BuilderPool;
  readonly #ctx: CtxFactory;
  readonly #probes = new Map<string, Promise<Seen<Capabilities>>>();

  constructor(pool: BuilderPool, ctx: CtxFactory) {
    this.#pool = pool;
    this.#ctx = ctx;
  }

  get names(): readonly string[] {
    return [...this.#pool.keys()];
  }

  /** Longest time for one call, in milliseconds. */
  timeoutMs(name: string): number | null {
    return this.#pool.get(name)?.timeoutMs ?? null;
  }

  /** What a builder can do: asked once, and remembered also if it did not answer. */
  probe(name: string, signal: AbortSignal): Promise<Seen<Capabilities>> {
    let probe = this.#probes.get(name);
    if (!probe) this.#probes.set(name, (probe = this.#probe(name, signal)));
    return probe;
  }

  async #probe(name: string, signal: AbortSignal): Promise<Seen<Capabilities>> {
    if (!this.#pool.has(name)) return { seen: 'unknown', why: unknownBuilder(name) };
    try {
      const value = await this.#call(name, { signal }, (builder, ctx) => builder.probe(ctx));
      return { seen: 'yes', value: checkCapabilities(name, value) };
    } catch (error) {
      if (error instanceof BuildFailure) return { seen: 'unknown', why: error.error };
      throw error;
    }
  }

  /** What a builder can do; fails where it did not answer. */
  async capabilities(name: string, signal: AbortSignal): Promise<Capabilities> {
    const seen = await this.probe(name, signal);
    if (seen.seen === 'yes') return seen.value;
    throw new BuildFailure(seen.seen === 'unknown' ? seen.why : unknownBuilder(name));
  }

  async build(name: string, job: Job, call: Call): Promise<Built> {
    return checkBuilt(name, await this.#call(name, call, (builder, ctx) => builder.build(job, ctx)));
  }

  async fetch(name: string, image: Output, key: Digest, call: Call): Promise<Location> {
    return checkLocation(name, await this.#call(name, call, (builder, ctx) => builder.fetch(image, key, ctx)));
  }

  async push(
    name: string,
    image: Output,
    to: { registry: string; repository: string; key: Digest },
    call: Call,
  ): Promise<Digest> {
    return checkDigest(name, await this.#call(name, call, (builder, ctx) => builder.push(image, to, ctx)));
  }

  async tag(name: string, image: Output, as: string, call: Call): Promise<Location> {
    return checkLocation(name, await this.#call(name, call, (builder, ctx) => builder.tag(image, as, ctx)));
  }

  async inspect(name: string, at: Location | { readonly key: Digest }, call: Call): Promise<Seen<Output>> {
    try {
      return checkSeen(name, await this.#call(name, call, (builder, ctx) => builder.inspect(at, ctx)));
    } catch (error) {
      if (error instanceof BuildFailure) return { seen: 'unknown', why: error.error };
      throw error;
    }
  }

  async remove(name: string, at: Location, call: Call): Promise<void> {
    await this.#call(name, call, (builder, ctx) => builder.remove(at, ctx));
  }

  async #call<T>(name: string, call: Call, use: (builder: Builder, ctx: Ctx) => Promise<T>): Promise<T> {
    const pooled = this.#pool.get(name);
    if (!pooled) throw new BuildFailure(unknownBuilder(name));
    call.signal.throwIfAborted();
    try {
      const builder = await pooled.load();
      const emit = call.emit?.bind(call) ?? silent;
      const answer = await withCtx(this.#ctx, { signal: call.signal, emit }, (ctx) => use(builder, ctx));
      // Too late is a failure, whatever came of it: the node was settled without it. What was made is found by key next time.
      if (call.signal.reason instanceof BuildFailure) throw call.signal.reason;
      return answer;
    } catch (error) {
      const failure = asFailure(error, call.signal, name);
      if (!(failure instanceof BuildFailure)) throw failure;
      throw new BuildFailure(cleanError(failure.error, this.#ctx.redactor), { cause: error });
    }
  }
}

function unknownBuilder(name: string): BuildError {
  return { code: 'BUILDER_UNKNOWN', retry: 'never', words: `there is no builder ${name}` };
}
