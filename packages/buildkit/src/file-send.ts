/** Takes what an exporter sends to its client: one archive, as a stream of bytes (`FileSend.DiffCopy`). */
import { fromBinary } from '@bufbuild/protobuf';
import { BytesMessageSchema } from './generated/control_pb.ts';
import type { Handler, ServerCall } from './server.ts';
import { GrpcCode, GrpcError } from './status.ts';

/** Takes the archive of an exporter, by its place among the build's exporters. */
export type Receive = (exporter: number, archive: AsyncIterable<Uint8Array>) => Promise<void>;

/** The methods of the service. */
export function receiveArchives(receive: Receive): [string, Handler][] {
  return [
    [
      '/moby.filesync.v1.FileSend/DiffCopy',
      // A daemon that knows one exporter only does not number it.
      (call) => receive(exporterOf(call.header('buildkit-attachable-exporter-id')[0] ?? '0'), bytesOf(call)),
    ],
  ];
}

function exporterOf(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new GrpcError(GrpcCode.invalidArgument, `no exporter has the number ${text}`);
  return Number(text);
}

async function* bytesOf(call: ServerCall): AsyncGenerator<Uint8Array, void, undefined> {
  // The same message as the one of the Control service, under another name.
  for await (const message of call.messages()) yield fromBinary(BytesMessageSchema, message).data;
}
