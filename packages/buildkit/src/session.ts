/** A session: what a client offers to BuildKit while a build runs, over a connection that BuildKit calls back on. */
import type { Duplex } from 'node:stream';
import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { serveLogins } from './auth-service.ts';
import type { Logins } from './auth-service.ts';
import { serveContent } from './content-service.ts';
import type { ContentSource, ContentTarget } from './content-store.ts';
import { receiveArchives } from './file-send.ts';
import type { Receive } from './file-send.ts';
import { serveFiles } from './file-sync.ts';
import type { Local } from './file-sync.ts';
import { HealthCheckResponse_ServingStatus as Serving, HealthCheckResponseSchema } from './generated/health_pb.ts';
import { GetSecretRequestSchema, GetSecretResponseSchema } from './generated/secrets_pb.ts';
import { CallEnded, serve } from './server.ts';
import type { Handler, ServerCall } from './server.ts';
import { GrpcCode, GrpcError } from './status.ts';
import { unary } from './unary.ts';

/** What is offered. Rejections of these functions are kept as the session's fault: the build then fails for their reason. */
export interface Offer extends Logins {
  readonly locals: Readonly<Record<string, Local>>;
  /** A receiver keeps copies of files by this key: equal keys may be asked only for files whose size or time differs. */
  readonly sharedKey: string;
  /** Null: there is none, which the build may accept. */
  secret(id: string): Promise<Uint8Array | null>;
  /** Stores by the name under which a build reads from them: `oci-layout://NAME@DIGEST`. */
  readonly layouts?: Readonly<Record<string, ContentSource>>;
  /** Where an exporter `oci` with `tar=false` writes the blobs that are not there. */
  readonly exportTo?: ContentTarget;
  /** Takes the archives of exporters (`oci`, `docker`, `tar`). */
  readonly receive?: Receive;
}

/** How a session presents itself when it is opened. */
export interface Greeting {
  readonly id: string;
  readonly name: string;
  readonly sharedKey: string;
  /** Paths of the methods that it serves. */
  readonly methods: readonly string[];
}

/** Opens the byte stream of a session. */
export type OpenSession = (greeting: Greeting, signal: AbortSignal) => Promise<Duplex>;

/** An open session. */
export interface Session {
  readonly id: string;
  /** False when it was closed, by whichever side. */
  readonly isOpen: boolean;
  /** What first went wrong on our side, if anything did. */
  fault(): unknown;
  /** What first went wrong with files. */
  filesFault(): unknown;
  close(): void;
}

/** Opens a session and serves it until it is closed. */
export async function startSession(
  open: OpenSession,
  offer: Offer,
  signal: AbortSignal = new AbortController().signal,
): Promise<Session> {
  let fault: unknown;
  let filesFault: unknown;
  const files: Handler = async (call) => {
    try {
      await serveLocals(call);
    } catch (error) {
      if (!(error instanceof GrpcError) && !(error instanceof CallEnded)) filesFault ??= error;
      throw error;
    }
  };
  const serveLocals = serveFiles(offer.locals);
  const handlers = new Map<string, Handler>([
    ['/grpc.health.v1.Health/Check', healthy],
    ['/moby.filesync.v1.FileSync/DiffCopy', files],
    ['/moby.buildkit.secrets.v1.Secrets/GetSecret', secrets(offer)],
    ...serveLogins(offer),
    ...(offer.layouts || offer.exportTo ? serveContent({ sources: offer.layouts ?? {}, target: offer.exportTo }) : []),
    ...(offer.receive ? receiveArchives(offer.receive) : []),
  ]);
  const greeting: Greeting = {
    id: randomUUID().replaceAll('-', ''),
    name: 'rebake',
    sharedKey: offer.sharedKey,
    methods: [...handlers.keys()],
  };
  const socket = await open(greeting, signal);
  const session = serve(socket, handlers, (error) => (fault ??= error));
  return {
    id: greeting.id,
    get isOpen() {
      return !socket.destroyed && !session.destroyed;
    },
    fault: () => fault,
    filesFault: () => filesFault,
    close() {
      session.destroy();
      socket.destroy();
    },
  };
}

async function healthy(call: ServerCall): Promise<void> {
  await call.send(toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status: Serving.SERVING })));
}

function secrets(offer: Offer): Handler {
  return unary(GetSecretRequestSchema, GetSecretResponseSchema, async ({ ID: id }) => {
    const data = await offer.secret(id);
    if (data === null) throw new GrpcError(GrpcCode.notFound, `secret ${id} not found`);
    return { data };
  });
}
