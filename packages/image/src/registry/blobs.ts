/**
 * What this process knows of the blobs of one registry: which repositories hold them, which are on their way, and how those came there that
 * were sent ahead. Only ever a hint: the registry is asked before anything rests on it.
 */
import type { Digest } from '../types.ts';
import type { SentBytes } from './options.ts';

/** How a blob came to be where it is. */
export type How = keyof SentBytes;

/** Repositories that are remembered of one blob, and blobs in all: as much as a run can use, and no more than a few megabytes. */
const MAX_REPOSITORIES = 4;
const MAX_BLOBS = 20_000;

/** Remembers beyond this process in which repository of a registry (`host[:port]`) a blob was seen last. */
export interface BlobMemory {
  recall(host: string, digest: Digest): Promise<string | null>;
  keep(host: string, digest: Digest, repository: string): Promise<void>;
}

export interface Blobs {
  /** Another repository that held the blob when last seen; null: none is known. */
  elsewhere(digest: Digest, repository: string): Promise<string | null>;
  found(digest: Digest, repository: string): Promise<void>;
  /** It was not there after all. */
  lost(digest: Digest, repository: string): void;
  sentAhead(digest: Digest, repository: string, how: How): void;
  /** How a blob was sent ahead, the first time that it is asked for; null: it was not. */
  takeAhead(digest: Digest, repository: string): How | null;
  /** Runs `send` when nobody else sends this blob to the registry: whoever waited finds it there, or a neighbour to mount it from. */
  alone<T>(digest: Digest, signal: AbortSignal, send: () => Promise<T>): Promise<T>;
}

export function createBlobs(host: string, memory: BlobMemory | null): Blobs {
  const holders = new Map<Digest, readonly string[]>();
  const ahead = new Map<string, How>();
  const underway = new Map<Digest, Promise<unknown>>();

  function remember(digest: Digest, repositories: readonly string[]): void {
    holders.delete(digest);
    if (repositories.length > 0) holders.set(digest, repositories.slice(0, MAX_REPOSITORIES));
    const [oldest] = holders.keys();
    if (holders.size > MAX_BLOBS && oldest !== undefined) holders.delete(oldest);
  }

  const without = (digest: Digest, repository: string): string[] =>
    (holders.get(digest) ?? []).filter((one) => one !== repository);

  return {
    async elsewhere(digest, repository) {
      const held = holders.get(digest);
      // Known to be here as well: a look is all that it takes.
      if (held?.includes(repository) === true) return null;
      const other = held?.[0] ?? (await memory?.recall(host, digest)) ?? null;
      return other === repository ? null : other;
    },
    async found(digest, repository) {
      const isNews = holders.get(digest)?.[0] !== repository;
      remember(digest, [repository, ...without(digest, repository)]);
      if (isNews) await memory?.keep(host, digest, repository);
    },
    lost: (digest, repository) => remember(digest, without(digest, repository)),
    sentAhead: (digest, repository, how) => void ahead.set(`${repository} ${digest}`, how),
    takeAhead(digest, repository) {
      const name = `${repository} ${digest}`;
      const how = ahead.get(name) ?? null;
      ahead.delete(name);
      return how;
    },
    async alone(digest, signal, send) {
      for (let other = underway.get(digest); other !== undefined; other = underway.get(digest))
        await settled(other, signal);
      signal.throwIfAborted();
      // Nothing is awaited between looking and entering: else two could find the place empty.
      const mine = send();
      underway.set(digest, mine);
      try {
        return await mine;
      } finally {
        underway.delete(digest);
      }
    },
  };
}

/** Waits for a promise to end, however it ends. */
async function settled(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([promise.catch(() => undefined), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  signal.throwIfAborted();
}

/** Adds up what became of blobs. */
export interface Tally {
  count(how: How, bytes: number): void;
  readonly bytes: SentBytes;
}

export function createTally(): Tally {
  const bytes = { uploaded: 0, mounted: 0, skipped: 0 };
  return {
    count: (how, size) => {
      bytes[how] += size;
    },
    bytes,
  };
}
