/** Calls between our own client and our own server over a socket: outcomes, aborts, lost connections. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BytesValueSchema, StringValueSchema } from '@bufbuild/protobuf/wkt';
import type { TestContext } from 'vitest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Channel } from '../src/channel.ts';
import type { Every } from '../src/heartbeat.ts';
import type { Handler } from '../src/server.ts';
import { ConnectionLost, GrpcCode, GrpcError } from '../src/status.ts';
import { never, pair } from './pair.ts';

const ECHO = { path: '/test/Echo', request: StringValueSchema, answer: StringValueSchema } as const;
const BIG = { path: '/test/Big', request: StringValueSchema, answer: BytesValueSchema } as const;

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

/** A clock whose hand the test moves. */
function manualClock() {
  const running = new Set<() => void>();
  const every: Every = (_ms, run) => {
    running.add(run);
    return () => running.delete(run);
  };
  const beat = (times: number) => {
    for (let i = 0; i < times; i++) for (const run of running) run();
  };
  return { every, beat, running };
}

/** A server that does as it likes with who connects to it, and a channel to it. */
async function stranger(
  { onTestFinished: finished }: Pick<TestContext, 'onTestFinished'>,
  greet: (socket: Socket) => void,
  every?: Every,
) {
  const accepted = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    accepted.resolve();
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const channel = new Channel(async () => connect(port, '127.0.0.1'), every ? { every } : {});
  finished(async () => {
    await channel.close();
    server.close();
  });
  return { channel, accepted: accepted.promise };
}

describe('silence', () => {
  it('ends a call after eight beats, and says for how long there was nothing', async (context) => {
    const { every, beat, running } = manualClock();
    const called = Promise.withResolvers<void>();
    const handler: Handler = (call) => (called.resolve(), silent(call));
    const { channel } = await pair(context, { [ECHO.path]: handler }, { every });
    const call = channel.unary(ECHO, { value: 'x' }, never);
    await called.promise;
    const lost = expect(call).rejects.toMatchObject({ name: 'ConnectionLost', message: 'it has not answered for 8 s' });
    // The first one still hears of the connection's beginning; between the others no answer can arrive.
    beat(9);
    await lost;
    expect(running.size).toBe(0);
  });

  it('is followed by one new connection for all calls, though the old one takes long to close', async (context) => {
    const { channel: direct, sockets } = await pair(context, {
      [ECHO.path]: (call) => (sockets.length === 2 ? silent(call) : echo(call)),
    });
    await direct.unary(ECHO, { value: 'x' }, never);
    const port = sockets[0]?.localPort ?? 0;
    const { every, beat } = manualClock();
    const streams: Duplex[] = [];
    const held: (() => void)[] = [];
    const channel = new Channel(
      async () => {
        const stream = Duplex.from(connect(port, '127.0.0.1'));
        // As through a command that does not listen.
        if (streams.length === 0) stream._destroy = (error, done) => void held.push(() => done(error));
        streams.push(stream);
        return stream;
      },
      { every },
    );
    onTestFinished(async () => {
      await channel.close();
      for (const close of held) close();
    });
    const lost = channel.unary(ECHO, { value: 'x' }, never);
    await expect.poll(() => sockets.length).toBe(2);
    beat(20);
    await expect(lost).rejects.toBeInstanceOf(ConnectionLost);
    await Promise.all(['x', 'y', 'z'].map((value) => channel.unary(ECHO, { value }, never)));
    expect(streams).toHaveLength(2);
  });

  it('is broken by any answer to a question, also by "unimplemented"', async (context) => {
    const { every, beat, running } = manualClock();
    let asked = 0;
    const called = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    const handler: Handler = (call) => (called.resolve(), open.promise.then(() => echo(call)));
    const { channel, sessions } = await pair(context, { [ECHO.path]: handler }, { every });
    const call = channel.unary(ECHO, { value: 'x' }, never);
    await called.promise;
    sessions[0]?.on(
      'stream',
      (_stream, headers) => (asked += headers[':path'] === '/grpc.health.v1.Health/Check' ? 1 : 0),
    );
    // By the fourth question there were more beats than silence may last.
    await expect.poll(() => (beat(1), asked), { interval: 10 }).toBe(4);
    open.resolve();
    expect((await call).value).toBe('x');
    // Nobody waits for anything: nobody is asked.
    expect(running.size).toBe(0);
  });

  it('from the beginning is a failure to connect', async (context) => {
    const { every, beat, running } = manualClock();
    const { channel, accepted } = await stranger(context, () => undefined, every);
    const failed = expect(channel.unary(ECHO, {}, never)).rejects.toThrow(/^it has not answered for 8 s$/);
    await accepted;
    beat(8);
    await failed;
    expect(running.size).toBe(0);
  });

  it('does not keep a channel from being closed, or a call from being aborted', async (context) => {
    const { channel, accepted } = await stranger(context, () => undefined);
    const abort = new AbortController();
    const reason = new Error('enough');
    const calls = [channel.unary(ECHO, {}, abort.signal), channel.unary(ECHO, {}, never)];
    const aborted = expect(calls[0]).rejects.toBe(reason);
    const closed = expect(calls[1]).rejects.toThrow('it was closed on this side');
    await accepted;
    abort.abort(reason);
    await aborted;
    await channel.close();
    await closed;
  });
});

describe('a server that is none of ours', () => {
  it.each([
    ['hangs up', '', /closed the connection before it said anything/],
    ['speaks something else', 'HTTP/1.1 400 Bad Request\r\n\r\n', /Protocol error/],
  ])('and %s cannot be connected to', async (_does, words, message) => {
    const { channel } = await stranger({ onTestFinished }, (socket) => socket.end(words));
    await expect(channel.unary(ECHO, {}, never)).rejects.toThrow(message);
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
