/** BuildKit's messages as progress for people. */
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Progress } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { StatusResponseSchema } from '../src/generated/control_pb.ts';
import { BuildProgress, stepName } from '../src/progress.ts';

const at = timestampFromMs(0);
const MIB = 1024 * 1024;

function follow(...messages: MessageInitShape<typeof StatusResponseSchema>[]) {
  const seen: Progress[] = [];
  const progress = new BuildProgress((one) => seen.push(one));
  for (const message of messages) progress.take(create(StatusResponseSchema, message));
  return { seen, progress };
}

describe('steps', () => {
  it('are counted as they start, with all that are known, and without what BuildKit does for itself', () => {
    const { seen } = follow(
      { vertexes: [{ digest: 'i', name: '[internal] load build definition from Dockerfile', started: at }] },
      {
        vertexes: [
          { digest: 'f', name: '[1/3] FROM x', started: at },
          { digest: 'a', name: '[2/3] RUN a' },
          { digest: 'b', name: '[3/3] RUN b' },
        ],
      },
      { vertexes: [{ digest: 'a', name: '[2/3] RUN a', cached: true }] },
      { vertexes: [{ digest: 'b', name: '[3/3] RUN b', started: at }] },
      { vertexes: [{ digest: 'b', name: '[3/3] RUN b', started: at, completed: at }] },
      { vertexes: [{ digest: 'e', name: 'exporting to image', started: at }] },
    );
    expect(seen).toEqual([
      { type: 'step', index: 1, of: 3, name: 'FROM x' },
      { type: 'step', index: 2, of: 3, name: 'RUN a (cached)' },
      { type: 'step', index: 3, of: 3, name: 'RUN b' },
    ]);
  });

  it('have names for people', () => {
    expect(stepName('[base 2/7] RUN --mount=type=secret,id=ca,target=/x --network=host   pip install\n x')).toBe(
      'RUN pip install x',
    );
    expect(stepName('COPY --from=a b c')).toBe('COPY --from=a b c');
    expect(stepName('[2/2] RUN --mount=type=bind,target=/x ["/bin/sh", "/x/python-env.sh", "python3.11"]')).toBe(
      'RUN python-env.sh python3.11',
    );
    expect(stepName('RUN ["a b", "c"]')).toBe('RUN a b c');
    expect(stepName('RUN [ -e /x ]')).toBe('RUN [ -e /x ]');
    expect(stepName(`FROM r.example.com/x@sha256:${'ab'.repeat(32)}`)).toBe('FROM r.example.com/x@sha256:abababababab');
    expect(stepName('[1/1] RUN \u001B[31mred')).toBe('RUN red');
    expect(stepName(`RUN ${'x'.repeat(500)}`)).toHaveLength(160);
  });
});

describe('logs', () => {
  it('come line by line, streams apart, the rest when the step is over', () => {
    const vertex = { digest: 'a', name: '[2/2] RUN a', started: at };
    const log = (stream: bigint, text: string) => ({ vertex: 'a', stream, msg: Buffer.from(text) });
    const { seen } = follow(
      { vertexes: [vertex] },
      { logs: [log(1n, 'out'), log(2n, 'err\n'), log(1n, 'put\n'), log(1n, 'rest')] },
      { vertexes: [{ ...vertex, completed: at }] },
    );
    expect(seen.filter(({ type }) => type === 'log')).toEqual(
      ['err', 'output', 'rest'].map((text) => ({ type: 'log', text })),
    );
  });
});

describe('bytes', () => {
  it('are summed up over transfers; with a total only where all have one; small ones do not count', () => {
    const transfer = (ID: string, current: number, total: number) => ({
      vertex: 'v',
      ID,
      current: BigInt(current),
      total: BigInt(total),
    });
    const { seen } = follow(
      { statuses: [transfer('dockerfile', 200, 0)] },
      { statuses: [transfer('layer1', MIB, 4 * MIB)] },
    );
    expect(seen).toEqual([{ type: 'bytes', done: MIB + 200 }]);
    const { seen: withTotal } = follow(
      { statuses: [transfer('layer1', MIB, 4 * MIB), transfer('layer2', MIB, 2 * MIB)] },
      { statuses: [transfer('layer1', MIB, 4 * MIB)] },
      { statuses: [transfer('layer1', 4 * MIB, 4 * MIB)] },
    );
    expect(withTotal).toEqual([
      { type: 'bytes', done: 2 * MIB, of: 6 * MIB },
      { type: 'bytes', done: 5 * MIB, of: 6 * MIB },
    ]);
  });
});

describe('the failed step', () => {
  const failing = (digest: string, error: string) => ({
    digest,
    name: `[1/1] RUN ${digest}`,
    started: at,
    completed: at,
    error,
  });

  it('is the one with an error of its own, with the end of what it printed', () => {
    const text = Array.from({ length: 60 }, (_, index) => `line ${index}\n`).join('');
    const { progress } = follow(
      {
        vertexes: [{ digest: 'b', name: 'RUN b', started: at }],
        logs: [{ vertex: 'b', stream: 1n, msg: Buffer.from(text) }],
      },
      { vertexes: [failing('a', 'context canceled'), failing('b', 'exit code: 1')] },
    );
    const failed = progress.failed();
    expect(failed?.vertex).toBe('b');
    expect(failed?.lastLines).toHaveLength(50);
    expect(failed?.lastLines.at(-1)).toBe('line 59');
  });

  it('is the one that BuildKit names, if it does', () => {
    const { progress } = follow({ vertexes: [failing('a', 'one'), failing('b', 'two')] });
    expect(progress.failed('b')?.error).toBe('two');
  });

  it('is none where no step failed', () => {
    expect(follow({ vertexes: [failing('a', '')] }).progress.failed()).toBeNull();
  });
});
