/** The daemons of a builder: builds go to the one that suits them, away from one that is lost, and back to it when it answers again. */
import { BuildFailure } from '@rebake/image';
import type { Digest, Platform } from '@rebake/image';
import type { Ctx } from '@rebake/sdk';
import { failure, unlessAborted } from '@rebake/sdk/building';
import { Chooser } from './chooser.ts';
import type { Want } from './chooser.ts';
import type { Endpoint } from './endpoint.ts';

/** What a build asks for, the first time. */
export type Wanted = Omit<Want, 'not'>;

/** A daemon that answered. */
export interface Reached {
  readonly endpoint: Endpoint;
  readonly platforms: readonly Platform[];
}

/** Milliseconds between questions to a daemon that was lost: twice as long each time, within these. */
const ASK_AGAIN_MS = { least: 250, most: 15_000 } as const;

/** Codes of failures that are the daemon's, and not the build's. */
const LOST: ReadonlySet<string> = new Set(['ENGINE_LOST', 'ENGINE_UNREACHABLE']);

/** A build on its way to a daemon. */
interface Ticket {
  go(endpoint: number | null): void;
}

/** All daemons of one builder, from the first call until {@link Fleet.close}. */
export class Fleet {
  readonly #endpoints: readonly Endpoint[];
  readonly #chooser: Chooser<Ticket>;
  readonly #troubles = new Map<number, BuildFailure>();
  readonly #watched = new Set<number>();
  readonly #closing = new AbortController();
  #known: Promise<unknown> | undefined;

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints;
    this.#chooser = new Chooser(endpoints.map(({ parallel }) => parallel));
  }

  /** Asks all daemons. Rejects where none answers. */
  async probe(signal: AbortSignal): Promise<readonly Reached[]> {
    const looks = await Promise.all(this.#endpoints.map(async (endpoint) => this.#look(endpoint, signal)));
    this.#known ??= Promise.resolve();
    const reached = looks.flatMap((platforms, index) => {
      const endpoint = this.#endpoints[index];
      return endpoint && platforms ? [{ endpoint, platforms }] : [];
    });
    if (reached.length === 0) throw this.#noneAnswers();
    return reached;
  }

  /**
   * Does the work of a build on a daemon, and on another one where the first is lost (or full) meanwhile. A daemon gets it once. Rejects with
   * the failure of the last daemon where none is left.
   */
  async run<R>(
    wanted: Wanted,
    ctx: Pick<Ctx, 'signal' | 'emit'>,
    work: (endpoint: Endpoint) => Promise<R>,
  ): Promise<R> {
    const { signal } = ctx;
    await this.#know(signal);
    const not = new Set<number>();
    let last: BuildFailure | null = null;
    for (;;) {
      const ticket: Ticket = { go: () => undefined };
      const endpoint = await this.#place(ticket, { ...wanted, not }, signal);
      if (endpoint === null) throw last ? this.#noneLeft(last) : this.#nowhere(wanted.platform);
      if (last) ctx.emit({ type: 'log', text: movedLine(endpoint, last) });
      try {
        return await work(endpoint);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof BuildFailure)) throw error;
        const isLost = LOST.has(error.error.code);
        if (!isLost && error.error.code !== 'ENGINE_FULL') throw error;
        if (isLost) this.#takeOut(endpoint, error);
        not.add(endpoint.index);
        last = error;
      } finally {
        this.#chooser.leave(ticket);
        this.#decide();
      }
    }
  }

  /** A daemon has images in its cache: what stands on them goes there first. */
  warm(endpoint: Endpoint, images: readonly Digest[]): void {
    if (!this.#chooser.isUp(endpoint.index)) return;
    for (const image of images) this.#chooser.warm(endpoint.index, image);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the builder is closed'));
    await Promise.all(this.#endpoints.map(async ({ daemon }) => daemon.close()));
  }

  /** Makes sure that each daemon was asked once, and that those that did not answer are asked again from time to time. */
  async #know(signal: AbortSignal): Promise<void> {
    // Shared by all who wait for it, so that none of them can cut it off for the others.
    this.#known ??= Promise.all(this.#endpoints.map(async (endpoint) => this.#look(endpoint, this.#closing.signal)));
    await unlessAborted(this.#known, signal);
    for (const endpoint of this.#endpoints) if (!this.#chooser.isUp(endpoint.index)) this.#watch(endpoint);
  }

  /** Asks a daemon; null where it does not answer. */
  async #look(endpoint: Endpoint, signal: AbortSignal): Promise<readonly Platform[] | null> {
    try {
      const platforms = await endpoint.look(signal);
      this.#troubles.delete(endpoint.index);
      this.#chooser.up(endpoint.index, platforms);
      return platforms;
    } catch (error) {
      if (!(error instanceof BuildFailure)) throw error;
      this.#troubles.set(endpoint.index, error);
      this.#chooser.down(endpoint.index);
      return null;
    } finally {
      this.#decide();
    }
  }

  /** Waits for room on a daemon; null where none that answers will ever take the build. */
  async #place(ticket: Ticket, want: Want, signal: AbortSignal): Promise<Endpoint | null> {
    const first = await this.#wait(ticket, want, signal);
    if (first) return first;
    // Nothing else is left: they are asked at once, instead of when their time comes.
    const down = this.#endpoints.filter(({ index }) => !want.not.has(index) && !this.#chooser.isUp(index));
    if (down.length === 0) return null;
    const looks = Promise.all(down.map(async (endpoint) => this.#look(endpoint, this.#closing.signal)));
    await unlessAborted(looks, signal);
    return this.#wait(ticket, want, signal);
  }

  async #wait(ticket: Ticket, want: Want, signal: AbortSignal): Promise<Endpoint | null> {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    ticket.go = resolve;
    this.#chooser.enter(ticket, want);
    this.#decide();
    try {
      const index = await unlessAborted(promise, signal);
      return index === null ? null : (this.#endpoints[index] ?? null);
    } catch (error) {
      this.#chooser.leave(ticket);
      this.#decide();
      throw error;
    }
  }

  #decide(): void {
    for (const { build, endpoint } of this.#chooser.decide()) build.go(endpoint);
  }

  #takeOut(endpoint: Endpoint, error: BuildFailure): void {
    this.#troubles.set(endpoint.index, error);
    this.#chooser.down(endpoint.index);
    this.#watch(endpoint);
  }

  /** Asks a daemon that was lost until it answers. */
  #watch(endpoint: Endpoint): void {
    if (this.#watched.has(endpoint.index)) return;
    this.#watched.add(endpoint.index);
    void this.#askAgain(endpoint).finally(() => this.#watched.delete(endpoint.index));
  }

  async #askAgain(endpoint: Endpoint): Promise<void> {
    const { signal } = this.#closing;
    let pause: number = ASK_AGAIN_MS.least;
    for (let isFirst = true; !signal.aborted && !this.#chooser.isUp(endpoint.index); isFirst = false) {
      try {
        if ((await this.#look(endpoint, signal)) !== null) return;
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      // Whatever else ran there is over, and need not find out by itself.
      if (isFirst) await endpoint.daemon.close();
      await idle(pause, signal);
      pause = Math.min(pause * 2, ASK_AGAIN_MS.most);
    }
  }

  #noneAnswers(): BuildFailure {
    const all = this.#endpoints.flatMap(({ index }) => this.#troubles.get(index) ?? []);
    const [first, ...others] = all;
    if (first && others.length === 0) return first;
    const retry = all.some(({ error }) => error.retry === 'backoff') ? 'backoff' : 'never';
    const words = all.map(({ error }) => error.words).join('; ');
    return failure('ENGINE_UNREACHABLE', retry, `none of ${all.length} daemons answers: ${words}`, first);
  }

  /** The last daemon's failure; a later attempt may find another one. */
  #noneLeft(last: BuildFailure): BuildFailure {
    if (this.#endpoints.length === 1) return last;
    const { code, retry, words } = last.error;
    return failure(
      code,
      retry === 'never' ? 'backoff' : retry,
      `no other daemon could take the build over: ${words}`,
      last,
    );
  }

  #nowhere(platform: Platform): BuildFailure {
    const up = this.#endpoints.filter(({ index }) => this.#chooser.isUp(index));
    if (up.length === 0) return this.#noneAnswers();
    const retry = up.length < this.#endpoints.length ? 'backoff' : 'never';
    const words = `none of ${up.map(({ shown }) => shown).join(', ')} builds for ${platform}`;
    return failure('ENGINE_UNSUPPORTED', retry, words);
  }
}

function movedLine(to: Endpoint, { error }: BuildFailure): string {
  return `rebake: ${error.words}; the build starts again on ${to.shown}`;
}

/** Waits, without keeping the process alive. */
async function idle(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  timer.unref();
  const stop = (): void => resolve();
  signal.addEventListener('abort', stop, { once: true });
  await promise;
  signal.removeEventListener('abort', stop);
  clearTimeout(timer);
}
