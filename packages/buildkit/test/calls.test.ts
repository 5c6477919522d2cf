/** Calls between our own client and our own server over a socket: outcomes, aborts, lost connections. */
import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BytesValueSchema, StringValueSchema } from '@bufbuild/protobuf/wkt';
import type { TestContext } from 'vitest';
import { describe, expect, it } from 'vitest';
import { Channel } from '../src/channel.ts';
import { serve } from '../src/server.ts';
import type { Handler } from '../src/server.ts';
import { ConnectionLost, GrpcCode, GrpcError } from '../src/status.ts';

const ECHO = { path: '/test/Echo', request: StringValueSchema, answer: StringValueSchema } as const;
const BIG = { path: '/test/Big', request: StringValueSchema, answer: BytesValueSchema } as const;
const never = new AbortController().signal;

/** A server with these handlers and a client of it; both end with the test. */
async function pair({ onTestFinished }: TestContext, handlers: Readonly<Record<string, Handler>>) {
  const faults: unknown[] = [];
  const sockets: Socket[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    sessions.push(serve(socket, new Map(Object.entries(handlers)), (error) => faults.push(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const channel = new Channel(async () => {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  });
  onTestFinished(async () => {
    await channel.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { channel, faults, sockets, sessions };
}

const echo: Handler = async (call) => {
  for await (const message of call.messages()) {
    for (const letter of fromBinary(StringValueSchema, message).value) {
      await call.send(toBinary(StringValueSchema, { $typeName: 'google.protobuf.StringValue', value: letter }));
    }
  }
};

const silent: Handler = async (call) => {
  for await (const message of call.messages()) void message;
  await new Promise<never>(() => undefined);
};

describe('a call', () => {
  it('gives its answers in order, on one connection for all calls', async (context) => {
    const { channel, sockets } = await pair(context, { [ECHO.path]: echo });
    const answers: string[] = [];
    for await (const { value } of channel.stream(ECHO, { value: 'abc' }, never)) answers.push(value);
    expect(answers).toEqual(['a', 'b', 'c']);
    const many = await Promise.all(['x', 'y', 'z'].map((value) => channel.unary(ECHO, { value }, never)));
    expect(many.map(({ value }) => value)).toEqual(['x', 'y', 'z']);
    expect(sockets).toHaveLength(1);
  });

  it('carries messages that are larger than every window', async (context) => {
    const value = Buffer.alloc(9_000_000, 'x');
    const { channel } = await pair(context, {
      [BIG.path]: (call) => call.send(toBinary(BytesValueSchema, { $typeName: 'google.protobuf.BytesValue', value })),
    });
    expect(Buffer.compare((await channel.unary(BIG, {}, never)).value, value)).toBe(0);
  });

  it('rejects with the code and the words of the server', async (context) => {
    const { channel } = await pair(context, {
      [ECHO.path]: () => Promise.reject(new GrpcError(GrpcCode.notFound, 'no größe: 100 %\nat all')),
    });
    const error = await channel.unary(ECHO, {}, never).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'GrpcError', code: GrpcCode.notFound, message: 'no größe: 100 %\nat all' });
  });

  it('of a method that is not served is unimplemented', async (context) => {
    const { channel } = await pair(context, {});
    await expect(channel.unary(ECHO, {}, never)).rejects.toMatchObject({ code: GrpcCode.unimplemented });
  });

  it('that a handler could not answer is aborted, and the reason is kept', async (context) => {
    const bug = new Error('disk on fire');
    const { channel, faults } = await pair(context, { [ECHO.path]: () => Promise.reject(bug) });
    await expect(channel.unary(ECHO, {}, never)).rejects.toMatchObject({
      code: GrpcCode.aborted,
      message: 'disk on fire',
    });
    expect(faults).toEqual([bug]);
  });

  it('rejects with the reason of the signal, at once', async (context) => {
    const { channel } = await pair(context, { [ECHO.path]: silent });
    const abort = new AbortController();
    const call = channel.unary(ECHO, { value: 'x' }, abort.signal);
    const reason = new Error('enough');
    setImmediate(() => abort.abort(reason));
    await expect(call).rejects.toBe(reason);
    await expect(channel.unary(ECHO, {}, abort.signal)).rejects.toBe(reason);
  });

  it('is lost with its connection, and the next one gets a new connection', async (context) => {
    const { channel, sockets } = await pair(context, {
      [ECHO.path]: (call) => (sockets.length === 1 ? new Promise<never>(() => sockets[0]?.destroy()) : echo(call)),
    });
    await expect(channel.unary(ECHO, { value: 'x' }, never)).rejects.toBeInstanceOf(ConnectionLost);
    expect((await channel.unary(ECHO, { value: 'x' }, never)).value).toBe('x');
    expect(sockets).toHaveLength(2);
  });

  it('is lost when the channel is closed', async (context) => {
    const { channel } = await pair(context, { [ECHO.path]: silent });
    const call = channel.unary(ECHO, { value: 'x' }, never);
    setImmediate(() => void channel.close());
    await expect(call).rejects.toBeInstanceOf(ConnectionLost);
  });

  it('that has ended when it is seen breaks nothing', async (context) => {
    const { channel, faults, sessions } = await pair(context, { [ECHO.path]: echo });
    await channel.unary(ECHO, { value: 'x' }, never);
    // As when its beginning and its end arrive together.
    sessions[0]?.prependListener('stream', (stream) => stream.destroy());
    await expect(channel.unary(ECHO, { value: 'x' }, never)).rejects.toBeInstanceOf(ConnectionLost);
    expect(faults).toEqual([]);
  });
});

describe('a channel', () => {
  it('says why it cannot connect, and tries again', async () => {
    let tries = 0;
    const channel = new Channel(() => Promise.reject(new Error(`try ${++tries}`)));
    await expect(channel.unary(ECHO, {}, never)).rejects.toThrow('try 1');
    await expect(channel.unary(ECHO, {}, never)).rejects.toThrow('try 2');
    await channel.close();
  });
});
