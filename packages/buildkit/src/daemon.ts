/** A BuildKit daemon that stands on its own: who it is, its sessions, its builds and what it remembers of them. */
import type { Duplex } from 'node:stream';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { isDigest } from '@rebake/image';
import type { Digest } from '@rebake/image';
import { byteStream } from './byte-stream.ts';
import { Channel } from './channel.ts';
import type { Connect } from './connection.ts';
import { ContextSharing } from './context-sharing.ts';
import {
  BuildHistoryEventSchema,
  BuildHistoryRequestSchema,
  InfoRequestSchema,
  InfoResponseSchema,
  ListWorkersRequestSchema,
  ListWorkersResponseSchema,
  PruneRequestSchema,
  UsageRecordSchema,
} from './generated/control_pb.ts';
import type { BuildHistoryRecord } from './generated/control_pb.ts';
import type { Platform } from './generated/ops_pb.ts';
import type { Every } from './heartbeat.ts';
import type { Greeting, OpenSession } from './session.ts';
import { GrpcCode, GrpcError } from './status.ts';

const CONTROL = '/moby.buildkit.v1.Control';
const INFO = { path: `${CONTROL}/Info`, request: InfoRequestSchema, answer: InfoResponseSchema } as const;
const LIST_WORKERS = {
  path: `${CONTROL}/ListWorkers`,
  request: ListWorkersRequestSchema,
  answer: ListWorkersResponseSchema,
} as const;
const HISTORY = {
  path: `${CONTROL}/ListenBuildHistory`,
  request: BuildHistoryRequestSchema,
  answer: BuildHistoryEventSchema,
} as const;
const PRUNE = { path: `${CONTROL}/Prune`, request: PruneRequestSchema, answer: UsageRecordSchema } as const;

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
  /** What its builds have in common while they run. */
  readonly contexts: ContextSharing;
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
export function createDaemon(connect: Connect, options: { readonly every?: Every } = {}): Daemon {
  const channel = new Channel(connect, options);
  return {
    channel,
    contexts: new ContextSharing(),
    openSession: (greeting, signal) => openSession(channel, greeting, signal),
    info: (signal) => info(channel, signal),
    history: (ref, signal) => history(channel, ref, signal),
    prune: (pruneOptions, signal) => prune(channel, pruneOptions, signal),
    close: () => channel.close(),
  };
}

async function openSession(channel: Channel, greeting: Greeting, signal: AbortSignal): Promise<Duplex> {
  const headers = {
    'x-docker-expose-session-uuid': greeting.id,
    'x-docker-expose-session-name': greeting.name,
    'x-docker-expose-session-sharedkey': greeting.sharedKey,
    // One header a method: a list in one header is taken for the name of one.
    'x-docker-expose-session-grpc-method': [...greeting.methods],
  };
  const call = await channel.open(`${CONTROL}/Session`, headers, signal);
  return byteStream(call.stream, () => call.heard());
}

async function info(channel: Channel, signal: AbortSignal): Promise<DaemonInfo> {
  const [version, { record }] = await Promise.all([
    versionOf(channel, signal),
    channel.unary(LIST_WORKERS, {}, signal),
  ]);
  const workers = record.map(({ ID: id, Labels: labels, platforms }) => ({
    id,
    labels,
    platforms: platforms.map(platformText),
  }));
  return { version, workers };
}

/** Daemons before 0.11 do not say. */
async function versionOf(channel: Channel, signal: AbortSignal): Promise<string> {
  try {
    return (await channel.unary(INFO, {}, signal)).buildkitVersion?.version ?? '';
  } catch (error) {
    if (error instanceof GrpcError && error.code === GrpcCode.unimplemented) return '';
    throw error;
  }
}

function platformText({ OS: os, Architecture: architecture, Variant: variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== '').join('/');
}

async function prune(channel: Channel, options: PruneOptions, signal: AbortSignal): Promise<number> {
  const request = {
    all: options.all ?? false,
    filter: [...(options.filter ?? [])],
    keepDuration: BigInt(Math.round((options.unusedForMs ?? 0) * 1e6)),
    reservedSpace: BigInt(options.keepBytes ?? 0),
  };
  let bytes = 0;
  for await (const { Size: size } of channel.stream(PRUNE, request, signal)) bytes += Number(size);
  return bytes;
}

async function history(channel: Channel, ref: string, signal: AbortSignal): Promise<BuildRecord | null> {
  // An empty reference would ask for all builds.
  if (ref === '') return null;
  let found: BuildRecord | null = null;
  try {
    for await (const { record } of channel.stream(HISTORY, { EarlyExit: true, Ref: ref }, signal)) {
      if (record?.Ref === ref) found = recordOf(record);
    }
  } catch (error) {
    if (error instanceof GrpcError && (error.code === GrpcCode.notFound || error.code === GrpcCode.unimplemented))
      return null;
    throw error;
  }
  return found;
}

function recordOf(record: BuildHistoryRecord): BuildRecord {
  const result = record.Result?.Results[0] ?? record.Result?.ResultDeprecated;
  return {
    ref: record.Ref,
    startedAt: record.CreatedAt ? timestampMs(record.CreatedAt) : null,
    endedAt: record.CompletedAt ? timestampMs(record.CompletedAt) : null,
    answer: record.ExporterResponse,
    error: record.error ? record.error.message : null,
    steps: { total: record.numTotalSteps, completed: record.numCompletedSteps, cached: record.numCachedSteps },
    result:
      result && isDigest(result.digest)
        ? { mediaType: result.mediaType, digest: result.digest, size: Number(result.size) }
        : null,
  };
}
