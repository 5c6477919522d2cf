/** Our own server and our own client on the two ends of a socket. */
import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { TestContext } from 'vitest';
import { Channel } from '../src/channel.ts';
import { framePrefix, FrameReader } from '../src/frames.ts';
import type { Every } from '../src/heartbeat.ts';
import { serve } from '../src/server.ts';
import type { Handler } from '../src/server.ts';
import { statusOf } from '../src/status.ts';

export const never: AbortSignal = new AbortController().signal;

/** A server with these handlers and a client of it; both end with the test. */
export async function pair(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  handlers: Readonly<Record<string, Handler>>,
  options: { readonly every?: Every } = {},
) {
  const faults: unknown[] = [];
  const sockets: Socket[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    sessions.push(serve(socket, new Map(Object.entries(handlers)), (error) => faults.push(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connectTo = async () => {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  };
  const channel = new Channel(connectTo, options);
  onTestFinished(async () => {
    await channel.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { channel, connectTo, faults, sockets, sessions };
}

/** A call in which both sides speak, one message at a time. */
export async function conversation<Request extends DescMessage, Answer extends DescMessage>(
  channel: Channel,
  method: { readonly path: string; readonly request: Request; readonly answer: Answer },
  headers: Readonly<Record<string, string>> = {},
) {
  const { stream } = await channel.open(method.path, headers, never);
  let trailers = {};
  stream.on('response', (sent) => (trailers = { ...sent, ...trailers }));
  stream.on('trailers', (sent) => (trailers = { ...trailers, ...sent }));
  async function* read(): AsyncGenerator<MessageShape<Answer>, void> {
    const reader = new FrameReader();
    for await (const chunk of stream) {
      for (const message of reader.push(chunk as Uint8Array)) yield fromBinary(method.answer, message);
    }
    const error = statusOf(trailers);
    if (error) throw error;
  }
  const answers = read();
  return {
    say(request: MessageInitShape<Request>) {
      const bytes = toBinary(method.request, create(method.request, request));
      stream.write(framePrefix(bytes.length));
      stream.write(bytes);
    },
    /** Says something and hears the answer; rejects with the status of the call, undefined when it has ended well. */
    async ask(request: MessageInitShape<Request>): Promise<MessageShape<Answer> | undefined> {
      this.say(request);
      return (await answers.next()).value ?? undefined;
    },
    /** All answers that are still to come. */
    async rest(): Promise<MessageShape<Answer>[]> {
      stream.end();
      const all: MessageShape<Answer>[] = [];
      for await (const answer of answers) all.push(answer);
      return all;
    },
    /** Goes away in the middle. */
    async leave(): Promise<void> {
      const closed = new Promise((resolve) => stream.once('close', resolve));
      stream.on('error', () => undefined);
      stream.destroy();
      await closed;
    },
  };
}
