/** Stores of blobs, read and written by BuildKit (`containerd.services.content.v1.Content`): image layouts as a build's source and target. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { EmptySchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { BuildFailure, isDigest } from '@rebake/image';
import type { BlobWriter, Digest, WriteStatus } from '@rebake/image';
import type { ContentSource, ContentTarget } from './content-store.ts';
import {
  AbortRequestSchema,
  InfoRequestSchema,
  InfoResponseSchema,
  ListStatusesRequestSchema,
  ListStatusesResponseSchema,
  ReadContentRequestSchema,
  ReadContentResponseSchema,
  StatusRequestSchema,
  StatusResponseSchema,
  WriteAction,
  WriteContentRequestSchema,
  WriteContentResponseSchema,
} from './generated/content_pb.ts';
import type { StatusSchema, WriteContentRequest } from './generated/content_pb.ts';
import type { Handler, ServerCall } from './server.ts';
import { GrpcCode, GrpcError } from './status.ts';
import { unary } from './unary.ts';

/** Stores by the ids by which a build names them. */
export interface Stores {
  readonly sources: Readonly<Record<string, ContentSource>>;
  readonly target: ContentTarget | undefined;
}

const SERVICE = '/containerd.services.content.v1.Content';

/** The methods of the service. */
export function serveContent(stores: Stores): [string, Handler][] {
  const all = new Map<string, ContentSource>(
    Object.entries(stores.sources).map(([name, store]) => [`oci:${name}`, store]),
  );
  // The only name that the exporter knows.
  if (stores.target) all.set('export', stores.target);

  function sourceOf(call: ServerCall): ContentSource {
    const id = idOf(call);
    const store = all.get(id);
    if (!store) throw new GrpcError(GrpcCode.notFound, `no such store: ${id}`);
    return store;
  }
  function targetOf(call: ServerCall): ContentTarget {
    if (idOf(call) !== 'export' || !stores.target)
      throw new GrpcError(GrpcCode.permissionDenied, 'this store is only for reading');
    return stores.target;
  }

  return [
    [
      `${SERVICE}/Info`,
      unary(InfoRequestSchema, InfoResponseSchema, async ({ digest: text }, call) => {
        const digest = digestOf(text);
        return { info: { digest, size: BigInt(await sizeOf(sourceOf(call), digest)) } };
      }),
    ],
    [`${SERVICE}/Read`, (call) => read(call, sourceOf(call))],
    [
      `${SERVICE}/Status`,
      unary(StatusRequestSchema, StatusResponseSchema, async ({ ref }, call) => {
        const found = targetOf(call)
          .writes()
          .find((write) => write.ref === ref);
        if (!found) throw new GrpcError(GrpcCode.notFound, `no write has begun as ${ref}`);
        return { status: statusOf(found) };
      }),
    ],
    [
      `${SERVICE}/ListStatuses`,
      unary(ListStatusesRequestSchema, ListStatusesResponseSchema, async ({ filters }, call) => {
        if (filters.length > 0) throw new GrpcError(GrpcCode.unimplemented, 'writes are not filtered here');
        return { statuses: targetOf(call).writes().map(statusOf) };
      }),
    ],
    [`${SERVICE}/Write`, (call) => write(call, targetOf(call))],
    [
      `${SERVICE}/Abort`,
      unary(AbortRequestSchema, EmptySchema, async ({ ref }, call) => {
        if (!(await targetOf(call).abortWrite(ref)))
          throw new GrpcError(GrpcCode.notFound, `no write has begun as ${ref}`);
        return {};
      }),
    ],
  ];
}

function idOf(call: ServerCall): string {
  const [id] = call.header('buildkit-attachable-store-id');
  if (id === undefined) throw new GrpcError(GrpcCode.invalidArgument, 'the call names no store');
  return id;
}

function digestOf(text: string): Digest {
  if (!isDigest(text)) throw new GrpcError(GrpcCode.invalidArgument, `not a digest: ${text}`);
  return text;
}

async function sizeOf(store: ContentSource, digest: Digest): Promise<number> {
  const size = await store.has(digest);
  if (size === null) throw new GrpcError(GrpcCode.notFound, `no blob ${digest}`);
  return size;
}

function statusOf({ ref, offset, startedAt, updatedAt }: WriteStatus): MessageInitShape<typeof StatusSchema> {
  return {
    ref,
    offset: BigInt(offset),
    startedAt: timestampFromMs(startedAt),
    updatedAt: timestampFromMs(updatedAt),
  };
}

async function read(call: ServerCall, store: ContentSource): Promise<void> {
  for await (const message of call.messages()) {
    const request = fromBinary(ReadContentRequestSchema, message);
    const digest = digestOf(request.digest);
    const size = await sizeOf(store, digest);
    let offset = Math.max(Number(request.offset), 0);
    if (offset > size) throw new GrpcError(GrpcCode.outOfRange, `${digest} has ${size} bytes`);
    const wanted = Number(request.size);
    const length = Math.min(wanted > 0 ? wanted : size, size - offset);
    if (length === 0) return;
    for await (const data of store.read(digest, { offset, length })) {
      const answer = create(ReadContentResponseSchema, { offset: BigInt(offset), data });
      await call.send(toBinary(ReadContentResponseSchema, answer));
      offset += data.length;
    }
    return;
  }
}

/** Every message is answered before the next one comes. */
async function write(call: ServerCall, store: ContentTarget): Promise<void> {
  let writer: BlobWriter | null = null;
  let total = 0;
  let expected: Digest | undefined;
  try {
    for await (const message of call.messages()) {
      const request = fromBinary(WriteContentRequestSchema, message);
      if (request.expected !== '') {
        expected = digestOf(request.expected);
        if ((await store.has(expected)) !== null) {
          await writer?.abort();
          throw new GrpcError(GrpcCode.alreadyExists, `the blob ${expected} is there`);
        }
      }
      if (request.total > 0) total = Number(request.total);
      writer ??= await begin(store, request.ref);
      if (request.action !== WriteAction.STAT) await append(writer, request);
      const isLast = request.action === WriteAction.COMMIT;
      let digest: string = request.action === WriteAction.STAT ? writer.digest() : '';
      if (isLast) digest = await commit(writer, expected, total);
      const answer = { action: request.action, offset: BigInt(writer.offset), total: BigInt(total), digest };
      await call.send(toBinary(WriteContentResponseSchema, create(WriteContentResponseSchema, answer)));
      if (isLast) return;
    }
  } finally {
    await writer?.close();
  }
}

async function begin(store: ContentTarget, ref: string): Promise<BlobWriter> {
  if (ref === '') throw new GrpcError(GrpcCode.invalidArgument, 'the first message of a write names no reference');
  try {
    return await store.beginWrite(ref);
  } catch (error) {
    // The other side tries again: it may be the same blob of another build, which will be there then.
    if (error instanceof BuildFailure && error.error.code === 'BLOB_BUSY')
      throw new GrpcError(GrpcCode.unavailable, error.error.words);
    throw error;
  }
}

async function append(writer: BlobWriter, { offset: at, data }: WriteContentRequest): Promise<void> {
  const offset = Number(at);
  if (offset === 0 && writer.offset > 0) await writer.restart();
  if (offset !== writer.offset)
    throw new GrpcError(GrpcCode.outOfRange, `a write at ${offset} has to be at ${writer.offset}`);
  if (data.length > 0) await writer.append(data);
}

async function commit(writer: BlobWriter, expected: Digest | undefined, total: number): Promise<Digest> {
  try {
    const { digest } = await writer.commit({
      ...(expected === undefined ? {} : { digest: expected }),
      ...(total > 0 ? { size: total } : {}),
    });
    return digest;
  } catch (error) {
    if (error instanceof BuildFailure && error.error.code === 'BLOB_MISMATCH')
      throw new GrpcError(GrpcCode.failedPrecondition, error.error.words);
    throw error;
  }
}
