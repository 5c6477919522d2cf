/** Sends files to BuildKit when it asks for them (`FileSync.DiffCopy`): first what there is, then the contents that it lacks. */
import { lstat } from 'node:fs/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { BuildFailure, readContextFile } from '@rebake/image';
import type { ContextFile } from '@rebake/image';
import { Packet_PacketType as Type, PacketSchema } from './generated/wire_pb.ts';
import { follow, walk } from './file-tree.ts';
import { varint } from './frames.ts';
import type { TreeEntry } from './file-tree.ts';
import type { Handler, ServerCall } from './server.ts';
import { GrpcCode, GrpcError } from './status.ts';

/**
 * A set of files under a name by which a build asks for it. Of a file, its path, its bytes and its exec bit are sent: no owner, and no
 * extended attribute, such as `security.capability`, since the digest of a context speaks of none. `modified` is the time that a file gets, in seconds since the epoch: it decides,
 * with path and size, whether the receiver asks for the contents of a file of which it kept a copy under the session's shared key.
 */
export interface Local {
  readonly files: readonly ContextFile[];
  /** Whether they are the same for every session of the same shared key: then one session can send them for builds of others. */
  readonly isShared?: boolean;
  modified(file: ContextFile): number;
}

/** Mode bits as Go writes them. */
const DIRECTORY = 0x8000_0000;

/** Serves sets of files by name. */
export function serveFiles(locals: Readonly<Record<string, Local>>): Handler {
  const walks = new Map(Object.entries(locals).map(([name, local]) => [name, { entries: walk(local.files), local }]));
  return async (call) => {
    const found = walks.get(texts(call, 'dir-name')[0] ?? '');
    if (!found) throw new GrpcError(GrpcCode.notFound, `no such set of files: ${texts(call, 'dir-name').join()}`);
    // Exclude patterns go unheeded on purpose: what is listed is what is sent, whatever a .dockerignore among the files says.
    const entries = follow(found.entries, texts(call, 'followpaths'));
    // Side by side: the receiver asks for contents before it has seen all that there is.
    await Promise.all([sendStats(call, entries, found.local), sendContents(call, entries)]);
  };
}

async function sendStats(call: ServerCall, entries: readonly TreeEntry[], local: Local): Promise<void> {
  for (const { path, file } of entries) {
    const stat = file
      ? {
          path,
          mode: file.exec ? 0o755 : 0o644,
          size: BigInt(await sizeOf(file)),
          modTime: BigInt(local.modified(file)) * 1_000_000_000n,
        }
      : { path, mode: DIRECTORY | 0o755, size: 0n, modTime: 0n };
    // JavaScript's bit operations are signed.
    await send(call, { type: Type.PACKET_STAT, stat: { ...stat, mode: stat.mode >>> 0 } });
  }
  await send(call, { type: Type.PACKET_STAT });
}

async function sizeOf(file: ContextFile): Promise<number> {
  if ('text' in file) return Buffer.byteLength(file.text);
  try {
    return (await lstat(file.source)).size;
  } catch (error) {
    throw new BuildFailure(
      { code: 'INPUT_MOVED', retry: 'never', words: `${file.source} is gone since the plan was made; plan again` },
      { cause: error },
    );
  }
}

/** Answers requests one after the other until the receiver has all it wants. */
async function sendContents(call: ServerCall, entries: readonly TreeEntry[]): Promise<void> {
  for await (const message of call.messages()) {
    const packet = fromBinary(PacketSchema, message);
    switch (packet.type) {
      case Type.PACKET_REQ: {
        const file = entries[packet.ID]?.file;
        if (!file) throw new GrpcError(GrpcCode.notFound, `no file has the number ${packet.ID}`);
        for await (const data of readContextFile(file)) await call.send(dataHead(packet.ID, data.length), data);
        // Only now is it known that these were the right bytes; without this packet the receiver never takes the file for complete.
        await send(call, { type: Type.PACKET_DATA, ID: packet.ID });
        break;
      }
      case Type.PACKET_FIN:
        await send(call, { type: Type.PACKET_FIN });
        return;
      case Type.PACKET_ERR:
        throw new GrpcError(
          GrpcCode.aborted,
          `the receiver of the files gave up: ${Buffer.from(packet.data).toString()}`,
        );
      default:
        throw new GrpcError(GrpcCode.aborted, `unexpected packet from the receiver of files: ${packet.type}`);
    }
  }
}

/** What goes before the bytes of a packet of data: written by hand, since contexts are large and each copy of their bytes counts. */
function dataHead(id: number, length: number): Uint8Array {
  // Fields 1 (type), 3 (ID) and 4 (data) of fsutil.types.Packet.
  return Uint8Array.from([0x08, Type.PACKET_DATA, 0x18, ...varint(id), 0x22, ...varint(length)]);
}

function send(call: ServerCall, packet: MessageInitShape<typeof PacketSchema>): Promise<void> {
  return call.send(toBinary(PacketSchema, create(PacketSchema, packet)));
}

/** Header values as text: newer BuildKits escape what is not ASCII and say so, older ones send UTF-8 as it is. */
function texts(call: ServerCall, name: string): string[] {
  const escaped = call.header(`${name}-encoded`)[0] === '1';
  return call.header(name).map((value) => {
    if (!escaped) return Buffer.from(value, 'latin1').toString('utf8');
    try {
      return decodeURIComponent(value.replaceAll('+', ' '));
    } catch {
      throw new GrpcError(GrpcCode.invalidArgument, `${name} is not what it says that it is`);
    }
  });
}
