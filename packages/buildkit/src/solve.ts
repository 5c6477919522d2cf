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
import { ConnectionLost, GrpcError } from './status.ts';

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

/**
 * Runs a build; resolves with what the exporters answered. Rejects as {@link Channel.stream} does, after all of the build's messages have
 * been passed on.
 */
export async function solve(
  channel: Channel,
  build: Build,
  signal: AbortSignal,
  onStatus: (status: StatusResponse) => void,
): Promise<Readonly<Record<string, string>>> {
  const ref = build.ref ?? newRef();
  const over = new AbortController();
  const following = followStatus(channel, ref, AbortSignal.any([signal, over.signal]), onStatus);
  // Its rejection (a bug in whoever is told) is for the line below; until then it must not end the process.
  following.catch(() => undefined);
  try {
    const { ExporterResponse: answer } = await channel.unary(SOLVE, requestOf(build, ref), signal);
    return answer;
  } finally {
    const timer = setTimeout(() => over.abort(), LAST_WORDS_MS);
    await following;
    clearTimeout(timer);
  }
}

/** A name for a build that no other has. */
export function newRef(): string {
  return randomUUID().replaceAll('-', '');
}

function requestOf(build: Build, ref: string): MessageInitShape<typeof SolveRequestSchema> {
  const imports = (build.cacheImports ?? []).map(entryOf);
  const exports = (build.cacheExports ?? []).map(entryOf);
  return {
    Ref: ref,
    Session: build.session,
    Frontend: build.frontend,
    FrontendAttrs: {
      ...build.attributes,
      // The frontend is who imports: what stands in the request alone is not heeded.
      ...(imports.length === 0 ? {} : { 'cache-imports': JSON.stringify(imports) }),
    },
    ...exportersOf(build),
    ...(imports.length + exports.length === 0 ? {} : { Cache: { Imports: imports, Exports: exports } }),
    Entitlements: [...build.entitlements],
  };
}

function exportersOf(
  outputs: Outputs,
): Pick<MessageInitShape<typeof SolveRequestSchema>, 'Exporters' | 'ExporterDeprecated' | 'ExporterAttrsDeprecated'> {
  if ('exporter' in outputs)
    return { ExporterDeprecated: outputs.exporter, ExporterAttrsDeprecated: { ...outputs.exporterAttributes } };
  const [first, ...others] = outputs.exporters;
  if (!first) return {};
  return {
    Exporters: [first, ...others].map(entryOf),
    // For versions that do not know the field above; who knows it heeds these only where it is empty.
    ExporterDeprecated: first.type,
    ExporterAttrsDeprecated: { ...first.attributes },
  };
}

function entryOf({ type, attributes }: Entry): { Type: string; Attrs: Record<string, string> } {
  return { Type: type, Attrs: { ...attributes } };
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
    if (signal.aborted || error instanceof GrpcError || error instanceof ConnectionLost) return;
    throw error;
  }
}
