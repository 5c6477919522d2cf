/** The stream of a command in a container, against an engine that is made up: frames in any slices, and answers that nobody should believe. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecStream } from '../src/reach/exec-stream.ts';
import { connectTo } from '../src/reach/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'rebake-exec-'));
const socketPath = join(folder, 'engine.sock');

let server: Server;
let answers: Answers;
let asked: { path: string; body: string }[];

/** How the engine behaves; by default as Docker does, with a command that sends back what it gets. */
interface Answers {
  create(response: ServerResponse): void;
  start(connection: Duplex, head: Buffer): void;
  inspect: unknown;
}

const bytes =
  (status: number, body: string | Buffer) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(body);
  };
const json = (status: number, value: unknown) => bytes(status, JSON.stringify(value));
const hangUp = (response: ServerResponse): void => {
  response.destroy();
};

const frame = (kind: number, payload: Buffer | string) => {
  const header = Buffer.alloc(8);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(Buffer.byteLength(payload), 4);
  return Buffer.concat([header, Buffer.from(payload)]);
};

// As far as the stream looks: a frame of HTTP/2 with the settings of a server.
const GREETING = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

const UPGRADED = 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';

beforeEach(async () => {
  asked = [];
  answers = {
    create: json(201, { Id: 'e'.repeat(64) }),
    start: (connection) => void connection.end(frame(1, GREETING)),
    inspect: { Running: false, ExitCode: 0 },
  };
  server = createServer((request, response) => {
    void buffer(request).then((body) => {
      asked.push({ path: request.url ?? '', body: body.toString() });
      if (request.url?.endsWith('/json')) json(200, answers.inspect)(response);
      else answers.create(response);
    });
  });
  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    asked.push({ path: request.url ?? '', body: head.toString() });
    connection.on('error', () => undefined);
    connection.write(UPGRADED);
    answers.start(connection, head);
  });
  server.listen(socketPath);
  await once(server, 'listening');
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const connect = () =>
  connectTo({ kind: 'docker-container', name: 'b' }, { env: { DOCKER_HOST: `unix://${socketPath}` } })();

const failed = async (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { error?: unknown }) => error.error ?? error,
  );

describe('a command in a container', () => {
  it('is asked for as the engines want it', async () => {
    expect(await buffer(await connect())).toEqual(GREETING);
    expect(asked.map(({ path }) => path)).toEqual([
      '/containers/b/exec',
      `/exec/${'e'.repeat(64)}/start`,
      `/exec/${'e'.repeat(64)}/json`,
    ]);
    expect(JSON.parse(asked[0]!.body)).toEqual({
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
      Cmd: ['buildctl', 'dial-stdio'],
    });
  });

  it.each([1, 3, 8, 1_000, 1_000_000])('is taken apart however it is sliced: %i bytes', async (size) => {
    const parts = [GREETING, Buffer.from('one'), Buffer.alloc(7_000, 7), Buffer.from('two')];
    const sent = Buffer.concat(parts.flatMap((part) => [frame(1, part), frame(2, 'noise'), frame(1, '')]));
    const connection = new PassThrough();
    const words = Promise.withResolvers<string>();
    const explain = async (said: string) => {
      words.resolve(said);
      return null;
    };
    const received = buffer(new ExecStream(connection, { accept: () => null, explain }));
    for (let at = 0; at < sent.length; at += size) connection.write(sent.subarray(at, at + size));
    connection.end();
    expect((await received).equals(Buffer.concat(parts))).toBe(true);
    expect(await words.promise).toBe('noisenoisenoisenoise');
  });

  it('gets what is written, also when it reads slowly, and is read when it is wanted', async () => {
    answers.start = (connection) => {
      connection.write(frame(1, GREETING));
      connection.on('data', (chunk: Buffer) => {
        if (!connection.write(frame(1, chunk))) connection.pause();
      });
      connection.on('drain', () => connection.resume());
      connection.on('end', () => connection.end());
    };
    const stream = await connect();
    const sent = Buffer.alloc(5_000_000, 'abcdefg');
    stream.cork();
    for (let at = 0; at < sent.length; at += 16_384) stream.write(sent.subarray(at, at + 16_384));
    stream.uncork();
    stream.end();
    expect((await buffer(stream)).equals(Buffer.concat([GREETING, sent]))).toBe(true);
  });

  it('ends its connection when the stream is destroyed', async () => {
    const closed = Promise.withResolvers<void>();
    answers.start = (connection) => {
      connection.on('end', () => {
        connection.end();
        closed.resolve();
      });
      connection.resume();
      connection.write(frame(1, GREETING));
    };
    const stream = await connect();
    await once(stream, 'data');
    stream.destroy();
    await closed.promise;
  });
});

describe('what cannot be a daemon', () => {
  it.each([
    [
      'the command fails at once',
      { ExitCode: 1 },
      [frame(2, 'dial unix /run/x: no such file\n')],
      'backoff',
      'ended with exit code 1: dial unix /run/x: no such file',
    ],
    [
      'there is no such command',
      { ExitCode: 127 },
      [frame(2, 'not found')],
      'never',
      'ended with exit code 127: not found',
    ],
    ['it ends without a word', { ExitCode: 0 }, [], 'backoff', 'ended with exit code 0'],
    ['the engine does not know how it ended', { ExitCode: 'x' }, [], 'backoff', 'the connection ended'],
    [
      'something else speaks',
      { ExitCode: 1 },
      [frame(1, 'Welcome!\n')],
      'never',
      'something else than BuildKit: Welcome!',
    ],
  ])('%s', async (_what, inspect, frames, retry, words) => {
    answers.inspect = inspect;
    answers.start = (connection) => void connection.end(Buffer.concat(frames));
    expect(await failed(buffer(await connect()))).toEqual({
      code: 'ENGINE_UNREACHABLE',
      retry,
      words: expect.stringContaining(words),
    });
  });

  it('is lost when it ends after it has spoken', async () => {
    answers.inspect = { ExitCode: 137 };
    answers.start = (connection) => void connection.end(Buffer.concat([frame(1, GREETING), frame(2, 'killed')]));
    expect(await failed(buffer(await connect()))).toMatchObject({
      code: 'ENGINE_LOST',
      words: expect.stringContaining('killed'),
    });
  });

  it.each([
    ['no frames at all', Buffer.from('HTTP/1.1 200 OK')],
    ['a frame of another kind', frame(9, 'x')],
    ['a frame that never ends', Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1])],
  ])('sends %s', async (_what, sent) => {
    answers.start = (connection) => void connection.end(sent);
    expect(await failed(buffer(await connect()))).toMatchObject({ code: 'ENGINE_ANSWER_INVALID', retry: 'never' });
  });

  it.each([
    [
      'an id that leads elsewhere',
      json(201, { Id: '../../containers/x' }),
      'ENGINE_ANSWER_INVALID',
      'never',
      /without an id/,
    ],
    ['no JSON', bytes(201, '<html>'), 'ENGINE_ANSWER_INVALID', 'never', /without an id/],
    ['more than anybody wants', bytes(201, Buffer.alloc(2_000_000)), 'ENGINE_ANSWER_INVALID', 'never', /too long/],
    [
      'that there is none',
      json(404, { message: 'No such container: b' }),
      'ENGINE_UNREACHABLE',
      'backoff',
      /^docker-container:\/\/b: No such container: b$/,
    ],
    [
      'that we may not',
      json(403, { message: 'authorization denied' }),
      'ENGINE_UNREACHABLE',
      'never',
      /authorization denied/,
    ],
    ['nothing, and hangs up', hangUp, 'ENGINE_UNREACHABLE', 'backoff', /socket hang up/],
  ] as const)('is answered with %s', async (_what, create, code, retry, words) => {
    answers.create = create;
    expect(await failed(connect())).toEqual({ code, retry, words: expect.stringMatching(words) });
  });
});
