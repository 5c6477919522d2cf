// What builders say of themselves and of their builds: a plugin is somebody else's code, and nothing that it says goes on unchecked.
import { BuildFailure, digestOf } from '@rebake/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asFailure, checkCapabilities } from '../src/run/answers.ts';
import { Bench } from './support/bench.ts';
import { id, image } from './support/nodes.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

describe('capabilities', () => {
  const sound = {
    engine: 'e',
    contents: 'fake@1',
    steps: ['run@1'],
    platforms: ['linux/amd64'] as const,
    reproducible: true,
  };

  it('are taken over with what the builder lacks and how many builds it runs', () => {
    const said = { ...sound, lacks: ['engine-names', 'proxy'] as const, parallel: 12 };
    expect(checkCapabilities('own', said)).toEqual(said);
    expect(checkCapabilities('own', { ...sound, lacks: [] })).toEqual(sound);
    expect(checkCapabilities('own', { ...sound, made: 'up' } as never)).toEqual(sound);
  });

  it.each([
    ['a lack that nobody knows', { lacks: ['secrets', 'time'] }],
    ['a text where lacks should be', { lacks: 'secrets' }],
    ['null where lacks should be', { lacks: null }],
    ['something else than texts', { lacks: [1] }],
    ['an engine that cannot be shown', { engine: 'e\u001b[2J' }],
    ['a contents class without a number', { contents: 'fake' }],
  ])('with %s are no answer, and block what was to be built', async (_what, wrong) => {
    bench.builder.probe = async () => ({ ...sound, ...wrong }) as never;
    const { blockers } = await bench.plan([image('a', [])]);
    expect(blockers).toMatchObject([{ node: 'a', code: 'BUILDER_UNKNOWN', why: { code: 'BUILDER_ANSWER' } }]);
  });

  it.each([0, -1, 1.5, 1025, Number.NaN, Infinity, '8', null])(
    'with %s builds at a time say nothing of how many',
    (parallel) => {
      expect(checkCapabilities('own', { ...sound, parallel } as never)).toEqual(sound);
    },
  );
});

describe('the record of a build', () => {
  it('is kept with the success that it is of', async () => {
    const build = bench.builder.build.bind(bench.builder);
    bench.builder.build = async (job, ctx) => ({ ...(await build(job, ctx)), record: 'history/1' });
    await bench.run([image('a', [])]);
    expect(bench.store.entries.get(id('a'))?.record).toBe('history/1');
    bench.builder.build = build;
    await bench.run([image('a', [], { content: '2' })]);
    expect(bench.store.entries.get(id('a'))).not.toHaveProperty('record');
  });

  it.each([[''], [7], [{}], ['x\u0007'], ['x'.repeat(513)], [null]])(
    'is left out where it cannot be shown: %j',
    async (record) => {
      const build = bench.builder.build.bind(bench.builder);
      bench.builder.build = async (job, ctx) => ({ ...(await build(job, ctx)), record }) as never;
      expect((await bench.run([image('a', [])])).counts).toMatchObject({ built: 1, failed: 0 });
      expect(bench.store.entries.get(id('a'))).not.toHaveProperty('record');
    },
  );
});

describe('a failure', () => {
  const { signal } = new AbortController();
  const code = (error: unknown): unknown => {
    const failure = asFailure(error, signal, 'own');
    return failure instanceof BuildFailure ? failure.error.code : failure;
  };

  it('of another copy of the SDK is one as well, if it says what a failure has to say', () => {
    // As a plugin throws it that brings its own copy: of another class, with the same mark.
    const other = (error: unknown): Error =>
      Object.assign(new Error('it failed'), { [Symbol.for('rebake.BuildFailure')]: true, error });
    expect(code(other({ code: 'STEP_FAILED', retry: 'never', words: 'no such package' }))).toBe('STEP_FAILED');
    for (const error of [
      undefined,
      'x',
      {},
      { code: 'X', retry: 'often', words: 'x' },
      { code: 'x\n', retry: 'never', words: 'x' },
    ])
      expect(code(other(error))).toBe('BUILDER_BROKEN');
  });

  it('that is none is the fault of the builder', () => {
    for (const thrown of [new Error('no'), 'no', null, undefined, digestOf('x')])
      expect(code(thrown)).toBe('BUILDER_BROKEN');
  });
});
