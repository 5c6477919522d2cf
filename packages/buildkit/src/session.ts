/** A session: what a client offers to BuildKit while a build runs, over a connection that BuildKit calls back on. */
import type { Duplex } from 'node:stream';
import { randomUUID } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CredentialsRequestSchema, CredentialsResponseSchema } from './generated/auth_pb.ts';
import { HealthCheckResponse_ServingStatus as Serving, HealthCheckResponseSchema } from './generated/health_pb.ts';
import { GetSecretRequestSchema, GetSecretResponseSchema } from './generated/secrets_pb.ts';
import { serveFiles } from './file-sync.ts';
import type { ContentSource, ContentTarget } from './content-store.ts';
import type { Local } from './file-sync.ts';
import type { FetchToken } from './registry-tokens.ts';
import { serve } from './server.ts';
import type { Handler, ServerCall } from './server.ts';
import { GrpcCode, GrpcError } from './status.ts';

/** What is offered. Rejections of these functions are kept as the session's fault: the build then fails for their reason. */
export interface Offer {
  readonly locals: Readonly<Record<string, Local>>;
  /** A receiver keeps copies of files by this key: equal keys may be asked only for files whose size or time differs. */
  readonly sharedKey: string;
  /** Null: there is none, which the build may accept. */
  secret(id: string): Promise<Uint8Array | null>;
  /** Login for a registry host; null: anonymous. An empty user name goes with an identity token. */
  credentials(host: string): Promise<{ readonly username: string; readonly secret: string } | null>;
  /** Tokens for registries. Absent: the daemon gets the login and fetches tokens itself. */
  readonly fetchToken?: FetchToken;
  /** Stores by the name under which a build reads from them: `oci-layout://NAME@DIGEST`. */
  readonly layouts?: Readonly<Record<string, ContentSource>>;
  /** Where an exporter `oci` with `tar=false` writes the blobs that are not there. */
  readonly exportTo?: ContentTarget;
  /** Takes the archive of an exporter (`oci`, `docker`, `tar`), by its place among the build's exporters. */
  readonly receive?: (exporter: number, archive: AsyncIterable<Uint8Array>) => Promise<void>;
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
export type OpenSession = (greeting: Greeting) => Promise<Duplex>;

/** An open session. */
export interface Session {
  readonly id: string;
  /** What first went wrong on our side, if anything did. */
  fault(): unknown;
  close(): void;
}

/** Opens a session and serves it until it is closed. */
export async function startSession(open: OpenSession, offer: Offer): Promise<Session> {
  const handlers = new Map<string, Handler>([
    ['/grpc.health.v1.Health/Check', healthy],
    ['/moby.filesync.v1.FileSync/DiffCopy', serveFiles(offer.locals)],
    ['/moby.buildkit.secrets.v1.Secrets/GetSecret', (call) => secret(call, offer)],
    ['/moby.filesync.v1.Auth/Credentials', (call) => credentials(call, offer)],
  ]);
  const greeting: Greeting = {
    id: randomUUID().replaceAll('-', ''),
    name: 'rebake',
    sharedKey: offer.sharedKey,
    methods: [...handlers.keys()],
  };
  const socket = await open(greeting);
  let fault: unknown;
  const session = serve(socket, handlers, (error) => (fault ??= error));
  return {
    id: greeting.id,
    fault: () => fault,
    close() {
      session.destroy();
      socket.destroy();
    },
  };
}

async function healthy(call: ServerCall): Promise<void> {
  await call.send(toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status: Serving.SERVING })));
}

async function secret(call: ServerCall, offer: Offer): Promise<void> {
  const { ID: id } = fromBinary(GetSecretRequestSchema, await only(call));
  const data = await offer.secret(id);
  if (data === null) throw new GrpcError(GrpcCode.notFound, `secret ${id} not found`);
  await call.send(toBinary(GetSecretResponseSchema, create(GetSecretResponseSchema, { data })));
}

async function credentials(call: ServerCall, offer: Offer): Promise<void> {
  const { Host: host } = fromBinary(CredentialsRequestSchema, await only(call));
  const login = await offer.credentials(host);
  const answer = create(CredentialsResponseSchema, login ? { Username: login.username, Secret: login.secret } : {});
  await call.send(toBinary(CredentialsResponseSchema, answer));
}

/** The one message of a call that has one. */
async function only(call: ServerCall): Promise<Uint8Array> {
  for await (const message of call.messages()) return message;
  throw new GrpcError(GrpcCode.internal, 'the call has no message');
}
