/** A BuildKit daemon that stands on its own: who it is, its sessions, its builds and what it remembers of them. */
import type { Digest } from '@rebake/image';
import { Channel } from './channel.ts';
import type { Connect } from './channel.ts';
import type { OpenSession } from './session.ts';

/** One of a daemon's workers. */
export interface DaemonWorker {
  readonly id: string;
  /** As in OCI, such as `linux/amd64`, `linux/arm/v7`. */
  readonly platforms: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Who a daemon is. */
export interface DaemonInfo {
  /** Such as `v0.34.2`; empty where the daemon is too old to say. */
  readonly version: string;
  /** The default worker first. */
  readonly workers: readonly DaemonWorker[];
}

/** What a daemon remembers of a build that has ended or still runs. Times in milliseconds since the epoch. */
export interface BuildRecord {
  readonly ref: string;
  readonly startedAt: number | null;
  /** Null: it still runs. */
  readonly endedAt: number | null;
  /** What the exporters answered; empty where it failed. */
  readonly answer: Readonly<Record<string, string>>;
  /** Why it failed, in the daemon's words; null where it did not. */
  readonly error: string | null;
  readonly steps: { readonly total: number; readonly completed: number; readonly cached: number };
  /** The manifest or index that came out, where one did. */
  readonly result: { readonly mediaType: string; readonly digest: Digest; readonly size: number } | null;
}

/** What {@link Daemon.prune} may remove. */
export interface PruneOptions {
  /** Also what a build could still use at once; else only what nothing refers to. */
  readonly all?: boolean;
  /** Only what was not used for so long, in milliseconds. */
  readonly unusedForMs?: number;
  /** Bytes that may stay. */
  readonly keepBytes?: number;
  /** As in `buildctl prune --filter`, such as `type==source.local`. */
  readonly filter?: readonly string[];
}

/** A daemon. Every method rejects with {@link GrpcError}, {@link ConnectionLost}, or what `connect` rejected with. */
export interface Daemon {
  /** Calls that are not named here. */
  readonly channel: Channel;
  /** Opens a session over `Control.Session`, on the same connection as all other calls. */
  readonly openSession: OpenSession;
  /** Who it is; asked for at each call. */
  info(signal: AbortSignal): Promise<DaemonInfo>;
  /** What it remembers of a build, null: nothing. Answers at once, also while the build runs. */
  history(ref: string, signal: AbortSignal): Promise<BuildRecord | null>;
  /** Removes cached content; resolves with the bytes that were freed. */
  prune(options: PruneOptions, signal: AbortSignal): Promise<number>;
  /** Ends the connection and with it all calls that still run. */
  close(): Promise<void>;
}

/** A daemon at the other end of `connect`. Connects with the first call, and again after the connection was lost. */
export function createDaemon(connect: Connect): Daemon {
  const channel = new Channel(connect);
  const missing = () => Promise.reject(new Error('under way'));
  return {
    channel,
    openSession: missing,
    info: missing,
    history: missing,
    prune: missing,
    close: () => channel.close(),
  };
}
