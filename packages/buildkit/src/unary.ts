/** Handlers of calls with one message in and one out. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Handler, ServerCall } from './server.ts';
import { GrpcCode, GrpcError } from './status.ts';

/** Answers a call by a function from message to message. */
export function unary<Request extends DescMessage, Answer extends DescMessage>(
  request: Request,
  answer: Answer,
  handle: (request: MessageShape<Request>, call: ServerCall) => Promise<MessageInitShape<Answer>>,
): Handler {
  return async (call) => {
    const result = await handle(fromBinary(request, await only(call)), call);
    await call.send(toBinary(answer, create(answer, result)));
  };
}

/** The one message of a call that has one. */
async function only(call: ServerCall): Promise<Uint8Array> {
  for await (const message of call.messages()) return message;
  throw new GrpcError(GrpcCode.internal, 'the call has no message');
}
