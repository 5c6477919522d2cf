/** How a gRPC call ends: its status, from the trailers and to the trailers; and the errors that calls reject with. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ExitMessageSchema } from './generated/gateway_pb.ts';
import { VertexSchema } from './generated/errdefs_pb.ts';
import { StatusSchema } from './generated/status_pb.ts';

/** The codes of gRPC that are used here. */
export const GrpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** What BuildKit adds to a failure, where it does. */
export interface FailureDetails {
  /** Digest of the step that failed. */
  readonly vertex?: string;
  /** Exit code of its process. */
  readonly exitCode?: number;
}

/** The other side ended a call with an error; `message` is in its own words. */
export class GrpcError extends Error {
  readonly code: number;
  readonly details: FailureDetails;
  constructor(code: number, message: string, details: FailureDetails = {}) {
    super(message);
    this.name = 'GrpcError';
    this.code = code;
    this.details = details;
  }
}

/** The connection ended before the call did. */
export class ConnectionLost extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConnectionLost';
  }
}

/** The error that trailers carry, or null for success. Throws {@link ConnectionLost} where there is no status at all. */
export function statusOf(trailers: IncomingHttpHeaders): GrpcError | null {
  const code = Number(trailers['grpc-status'] ?? Number.NaN);
  if (!Number.isInteger(code)) throw new ConnectionLost('the call ended without a status');
  if (code === GrpcCode.ok) return null;
  return new GrpcError(
    code,
    decodeMessage(String(trailers['grpc-message'] ?? '')),
    detailsOf(trailers['grpc-status-details-bin']),
  );
}

/** Trailers that end a call. */
export function trailersOf(error: GrpcError | null): OutgoingHttpHeaders {
  if (!error) return { 'grpc-status': String(GrpcCode.ok) };
  return { 'grpc-status': String(error.code), 'grpc-message': encodeURIComponent(error.message) };
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone percent sign: the sender did not encode, so the text is meant as it stands.
    return text;
  }
}

function detailsOf(header: string | string[] | undefined): FailureDetails {
  if (typeof header !== 'string') return {};
  try {
    const details: { vertex?: string; exitCode?: number } = {};
    for (const any of fromBinary(StatusSchema, Buffer.from(header, 'base64')).details) {
      // Go writes type names as they are, without the host that the standard asks for.
      const named = any.typeUrl.includes('/') ? any : { ...any, typeUrl: `/${any.typeUrl}` };
      const vertex = anyUnpack(named, VertexSchema);
      if (vertex) details.vertex = vertex.digest;
      const exit = anyUnpack(named, ExitMessageSchema);
      if (exit) details.exitCode = exit.Code;
    }
    return details;
  } catch {
    // Details only enrich the message, which is there anyway; other versions may write them in another form.
    return {};
  }
}
