/** What a daemon is asked, word by word: by a server that takes the place of one. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { TestContext } from 'vitest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDaemon } from '../src/daemon.ts';
import {
  BuildHistoryEventSchema,
  BuildHistoryRequestSchema,
  InfoResponseSchema,
  ListWorkersResponseSchema,
  PruneRequestSchema,
  SolveRequestSchema,
  SolveResponseSchema,
  UsageRecordSchema,
} from '../src/generated/control_pb.ts';
import type { SolveRequest } from '../src/generated/control_pb.ts';
import { BuildProgress } from '../src/progress.ts';
import { runBuild } from '../src/run-build.ts';
import type { Handler, ServerCall } from '../src/server.ts';
import type { BuildRequest, Outputs } from '../src/solve.ts';
import { GrpcCode, GrpcError } from '../src/status.ts';
import { never, pair } from './pair.ts';

const CONTROL = '/moby.buildkit.v1.Control';

async function request<Schema extends DescMessage>(call: ServerCall, schema: Schema): Promise<MessageShape<Schema>> {
  for await (const message of call.messages()) return fromBinary(schema, message);
  throw new Error('no request');
}

const answers =
  <Schema extends DescMessage>(schema: Schema, ...messages: MessageInitShape<Schema>[]): Handler =>
  async (call) => {
    for (const message of messages) await call.send(toBinary(schema, create(schema, message)));
  };

/** A daemon that solves everything, keeps what it was asked, and does the rest as told. */
async function daemonWith(
  context: Pick<TestContext, 'onTestFinished'>,
  handlers: Readonly<Record<string, Handler>> = {},
) {
  const solved: SolveRequest[] = [];
  const sessions: Record<string, readonly string[]>[] = [];
  const { connectTo } = await pair(context, {
    [`${CONTROL}/Session`]: async (call) => {
      const names = ['uuid', 'name', 'sharedkey', 'grpc-method'];
      sessions.push(Object.fromEntries(names.map((name) => [name, call.header(`x-docker-expose-session-${name}`)])));
      for await (const message of call.messages()) void message;
    },
    [`${CONTROL}/Solve`]: async (call) => {
      solved.push(await request(call, SolveRequestSchema));
      await answers(SolveResponseSchema, { ExporterResponse: { done: 'yes' } })(call);
    },
    [`${CONTROL}/Status`]: async () => undefined,
    ...handlers,
  });
  const daemon = createDaemon(connectTo);
  context.onTestFinished(() => daemon.close());
  const run = (outputs: Outputs, more: Pick<BuildRequest, 'ref' | 'cacheImports' | 'cacheExports'> = {}) =>
    runBuild(
      daemon,
      {
        build: {
          frontend: 'dockerfile.v0',
          attributes: { filename: 'Dockerfile' },
          entitlements: [],
          ...outputs,
          ...more,
        },
        offer: { locals: {}, sharedKey: 'key', secret: async () => null, credentials: async () => null },
        progress: new BuildProgress(() => undefined),
        host: 'the daemon',
      },
      never,
    );
  return { daemon, run, solved, sessions };
}

const image = { type: 'image', attributes: { name: 'a/b:c', push: 'true' } };
const oci = { type: 'oci', attributes: { tar: 'false' } };
const versioned = (version: string) => ({
  [`${CONTROL}/Info`]: answers(InfoResponseSchema, { buildkitVersion: { version } }),
  [`${CONTROL}/ListWorkers`]: answers(ListWorkersResponseSchema, {}),
});

describe('a build', () => {
  it('opens one session, and names it', async (context) => {
    const { run, solved, sessions } = await daemonWith(context);
    expect(await run({ exporters: [] }, { ref: 'abc123' })).toEqual({ done: 'yes' });
    expect(sessions).toEqual([
      {
        uuid: [solved[0]?.Session],
        name: ['rebake'],
        sharedkey: ['key'],
        // As many headers as methods.
        'grpc-method': expect.arrayContaining([
          '/grpc.health.v1.Health/Check',
          '/moby.filesync.v1.FileSync/DiffCopy',
        ]) as string[],
      },
    ]);
    expect(solved).toMatchObject([{ Ref: 'abc123', Frontend: 'dockerfile.v0', ExporterDeprecated: '', Exporters: [] }]);
  });

  it('names its output in the new fields and in the old ones', async (context) => {
    const { run, solved } = await daemonWith(context);
    await run({ exporters: [image] });
    await run({ exporter: 'moby', exporterAttributes: { name: 'x' } });
    expect(solved).toMatchObject([
      {
        Exporters: [{ Type: 'image', Attrs: image.attributes }],
        ExporterDeprecated: 'image',
        ExporterAttrsDeprecated: image.attributes,
      },
      { Exporters: [], ExporterDeprecated: 'moby', ExporterAttrsDeprecated: { name: 'x' } },
    ]);
  });

  it('names the caches that it imports to the frontend, too', async (context) => {
    const { run, solved } = await daemonWith(context);
    const registry = { type: 'registry', attributes: { ref: 'r.example.com/cache:1' } };
    const cacheExports = [{ type: 'inline', attributes: {} }];
    await run({ exporters: [] }, { cacheImports: [registry], cacheExports });
    expect(solved[0]?.Cache).toMatchObject({
      Imports: [{ Type: 'registry' }],
      Exports: [{ Type: 'inline', Attrs: {} }],
    });
    expect(JSON.parse(solved[0]?.FrontendAttrs['cache-imports'] ?? '')).toEqual([
      { Type: 'registry', Attrs: registry.attributes },
    ]);
  });

  it.each([
    ['v0.34.2', true],
    ['v0.13.0', true],
    ['0.0.0+unknown', true],
    ['v0.12.5', false],
  ])('with several outputs on %s: %s', async (version, isDone) => {
    const { run, solved } = await daemonWith({ onTestFinished }, versioned(version));
    const done = run({ exporters: [image, oci] });
    if (isDone) {
      await done;
      expect(solved[0]?.Exporters).toHaveLength(2);
    } else {
      await expect(done).rejects.toMatchObject({ error: { code: 'ENGINE_UNSUPPORTED', retry: 'never' } });
      expect(solved).toEqual([]);
    }
  });

  it('with several outputs on a daemon that cannot say how old it is, is refused', async (context) => {
    const { run } = await daemonWith(context, { [`${CONTROL}/ListWorkers`]: answers(ListWorkersResponseSchema, {}) });
    await expect(run({ exporters: [image, oci] })).rejects.toMatchObject({ error: { code: 'ENGINE_UNSUPPORTED' } });
  });
});

describe('a daemon', () => {
  it('says who it is', async (context) => {
    const platforms = [
      { OS: 'linux', Architecture: 'amd64' },
      { OS: 'linux', Architecture: 'arm', Variant: 'v7' },
    ];
    const { daemon } = await daemonWith(context, {
      ...versioned('v1'),
      [`${CONTROL}/ListWorkers`]: answers(ListWorkersResponseSchema, {
        record: [{ ID: 'w', Labels: { a: 'b' }, platforms }],
      }),
    });
    expect(await daemon.info(never)).toEqual({
      version: 'v1',
      workers: [{ id: 'w', labels: { a: 'b' }, platforms: ['linux/amd64', 'linux/arm/v7'] }],
    });
  });

  it('tells of one build alone, and of none without a name', async (context) => {
    const asked: unknown[] = [];
    const record = { Ref: 'mine', CreatedAt: timestampFromMs(1), error: { message: 'it broke' }, numTotalSteps: 3 };
    const { daemon } = await daemonWith(context, {
      [`${CONTROL}/ListenBuildHistory`]: async (call) => {
        const { Ref, EarlyExit } = await request(call, BuildHistoryRequestSchema);
        asked.push([Ref, EarlyExit]);
        await answers(BuildHistoryEventSchema, { record: { Ref: 'other' } }, { record })(call);
      },
    });
    expect(await daemon.history('mine', never)).toEqual({
      ref: 'mine',
      startedAt: 1,
      endedAt: null,
      answer: {},
      error: 'it broke',
      steps: { total: 3, completed: 0, cached: 0 },
      result: null,
    });
    expect(await daemon.history('', never)).toBeNull();
    expect(asked).toEqual([['mine', true]]);
  });

  it('that keeps no history knows of no build', async (context) => {
    const { daemon } = await daemonWith(context);
    expect(await daemon.history('mine', never)).toBeNull();
    const { daemon: broken } = await daemonWith(context, {
      [`${CONTROL}/ListenBuildHistory`]: () => Promise.reject(new GrpcError(GrpcCode.internal, 'disk')),
    });
    await expect(broken.history('mine', never)).rejects.toThrow('disk');
  });

  it('frees what it is told to', async (context) => {
    const asked: unknown[] = [];
    const { daemon } = await daemonWith(context, {
      [`${CONTROL}/Prune`]: async (call) => {
        asked.push(await request(call, PruneRequestSchema));
        await answers(UsageRecordSchema, { Size: 40n }, { Size: 2n })(call);
      },
    });
    expect(await daemon.prune({ unusedForMs: 60_000, keepBytes: 7, filter: ['type==source.local'] }, never)).toBe(42);
    expect(asked).toMatchObject([
      { all: false, keepDuration: 60_000_000_000n, reservedSpace: 7n, filter: ['type==source.local'] },
    ]);
  });
});
