/** Runs one build: `Control.Solve`, followed through `Control.Status` until both have ended. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { randomUUID } from 'node:crypto';
import {
  SolveRequestSchema,
  SolveResponseSchema,
  StatusRequestSchema,
  StatusResponseSchema,
} from './generated/control_pb.ts';
import type { StatusResponse } from './generated/control_pb.ts';
import type { Channel } from './channel.ts';
import { GrpcError } from './status.ts';

const SOLVE = {
  path: '/moby.buildkit.v1.Control/Solve',
  request: SolveRequestSchema,
  answer: SolveResponseSchema,
} as const;
const STATUS = {
  path: '/moby.buildkit.v1.Control/Status',
  request: StatusRequestSchema,
  answer: StatusResponseSchema,
} as const;

/** After the build has ended, its last messages arrive at once; a build that never began has none to wait for. */
const LAST_WORDS_MS = 1_000;

/** Something with a type and attributes, as BuildKit names exporters and caches: `image`, `oci`; `registry`, `inline`. */
export interface Entry {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What becomes of the result. */
export type Outputs =
  /** In the fields that every version reads, and newer ones call deprecated: for an engine with a BuildKit in it. */
  | { readonly exporter: string; readonly exporterAttributes: Readonly<Record<string, string>> }
  /** Several, or one, or nothing. More than one needs BuildKit 0.13: an older one would take the first and say nothing. */
  | { readonly exporters: readonly Entry[] };

/** A build by a frontend. */
export type BuildRequest = Outputs & {
  /** Names the build in the daemon's history. Letters and digits; default: random. */
  readonly ref?: string;
  readonly frontend: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly cacheImports?: readonly Entry[];
  readonly cacheExports?: readonly Entry[];
  readonly entitlements: readonly string[];
};

/** A build and the session that serves what it asks for. */
export type Build = BuildRequest & { readonly session: string };

/** What the exporter answered. Rejects as {@link Channel.stream} does, after all of the build's messages have been passed on. */
export async function solve(
  channel: Channel,
  build: Build,
  signal: AbortSignal,
  onStatus: (status: StatusResponse) => void,
): Promise<Readonly<Record<string, string>>> {
  const ref = randomUUID().replaceAll('-', '');
  const request: MessageInitShape<typeof SolveRequestSchema> = {
    Ref: ref,
    Session: build.session,
    Frontend: build.frontend,
    FrontendAttrs: { ...build.attributes },
    ...('exporter' in build
      ? { ExporterDeprecated: build.exporter, ExporterAttrsDeprecated: { ...build.exporterAttributes } }
      : {}),
    Entitlements: [...build.entitlements],
  };
  const over = new AbortController();
  const following = followStatus(channel, ref, AbortSignal.any([signal, over.signal]), onStatus);
  // Its rejection (a bug in whoever is told) is for the line below; until then it must not end the process.
  following.catch(() => undefined);
  try {
    const { ExporterResponse: answer } = await channel.unary(SOLVE, request, signal);
    return answer;
  } finally {
    const timer = setTimeout(() => over.abort(), LAST_WORDS_MS);
    await following;
    clearTimeout(timer);
  }
}

async function followStatus(
  channel: Channel,
  ref: string,
  signal: AbortSignal,
  onStatus: (status: StatusResponse) => void,
): Promise<void> {
  try {
    for await (const status of channel.stream(STATUS, { Ref: ref }, signal)) onStatus(status);
  } catch (error) {
    // Solve says it too, and better; a build that ended before it was followed is not known any more.
    const expected =
      signal.aborted || error instanceof GrpcError || (error instanceof Error && error.name === 'ConnectionLost');
    if (!expected) throw error;
  }
}
