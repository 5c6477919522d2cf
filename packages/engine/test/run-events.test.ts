// A whole run as the outside sees it: its events, its log files, cancellation, timeouts, secrets, and what a killed run leaves.
import { BuildFailure, digestOf } from '@rebake/sdk';
import type { Ctx } from '@rebake/sdk';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench } from './support/bench.ts';
import { HandTimer } from './support/hand-timer.ts';
import { external, id, image, publication } from './support/nodes.ts';

const ONE = 'one.test:5000';

let bench: Bench;
beforeEach(() => {
  bench = new Bench({ TOKEN: 'the secret token' });
});
afterEach(() => bench.close());

/** Builds that begin and end when the test says so. */
function byHand() {
  const begun = new Map<string, { ctx: Ctx; finish(): void }>();
  let told = Promise.withResolvers<void>();
  bench.builder.onBuild = (name, _job, ctx) =>
    new Promise((resolve, reject) => {
      ctx.signal.addEventListener('abort', () => reject(new Error('killed')));
      begun.set(name, { ctx, finish: resolve });
      told.resolve();
      told = Promise.withResolvers();
    });
  return {
    begun,
    async until(...names: readonly string[]): Promise<void> {
      while (!names.every((name) => begun.has(name))) await told.promise;
    },
  };
}

describe('events', () => {
  it('tell a run from start to end, stamped without gaps', async () => {
    bench.registry.put(ONE, 'debian', '12', digestOf('debian'));
    const debian = external(`${ONE}/debian:12`);
    bench.builder.onBuild = async (_name, _job, ctx) => {
      ctx.emit({ type: 'step', index: 1, of: 2, name: 'RUN pip install' });
      ctx.emit({ type: 'log', text: 'Collecting pandas\n' });
      bench.time += 1_500;
    };
    await bench.run(
      [debian, image('env', [debian.id]), publication('env', ONE, 'cpu', ['env'])],
      {},
      { parallelism: 1 },
    );
    expect(bench.events.map(({ seq }) => seq)).toEqual(bench.events.map((_, at) => at + 1));
    const log = bench.events.flatMap((event) => (event.type === 'node-settled' && event.log ? [event.log] : []));
    expect(readFileSync(log[0] ?? '', 'utf8')).toBe('[1/2] RUN pip install\nCollecting pandas\n');
    const golden = JSON.stringify(
      bench.events,
      (key, value: unknown) => (key === 'plan' ? 'PLAN' : value),
      1,
    ).replaceAll(bench.dir, 'DIR');
    await expect(golden).toMatchFileSnapshot('golden/events.json');
  });
});

describe('secrets', () => {
  it('come out of nothing: events, logs, failures, state', async () => {
    bench.builder.onBuild = async (_name, _job, ctx) => {
      await ctx.secret({ env: 'TOKEN' });
      ctx.emit({ type: 'log', text: 'using the sec' });
      ctx.emit({ type: 'log', text: 'ret token here' });
      throw new BuildFailure({ code: 'BUILD_FAILED', retry: 'never', words: 'denied for the secret token' });
    };
    const summary = await bench.run([image('env', [])]);
    expect(summary.failed).toEqual([
      { node: 'env', error: { code: 'BUILD_FAILED', retry: 'never', words: 'denied for ***' } },
    ]);
    const logged = bench.events.flatMap((event) =>
      event.type === 'node-settled' && event.log ? [readFileSync(event.log, 'utf8')] : [],
    );
    expect(logged.join('').replaceAll('\n', '')).toBe('using *** hereBUILD_FAILED: denied for ***');
    const everything =
      JSON.stringify([bench.events, [...bench.store.failures], await bench.store.history({})]) + logged.join('');
    expect(everything).not.toContain('secret token');
  });
});

describe('Ctrl-C', () => {
  it('cancels what runs, keeps what was done, and the next apply goes on from there', async () => {
    const hand = byHand();
    const abort = new AbortController();
    const nodes = [image('a', []), image('b', ['a']), image('c', [])];
    const running = bench.run(nodes, {}, { signal: abort.signal });
    await hand.until('a', 'c');
    hand.begun.get('c')?.finish();
    while (!bench.store.entries.has(id('c'))) await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new Error('Ctrl-C'));
    const summary = await running;
    expect(summary.interrupted).toBe(true);
    expect(Object.fromEntries(summary.outcomes)).toEqual({ a: 'cancelled', b: 'cancelled', c: 'built' });
    expect(bench.store.failures.size).toBe(0);
    bench.builder.onBuild = () => Promise.resolve();
    expect((await bench.run(nodes)).counts).toMatchObject({ built: 2, kept: 1 });
  });

  it('before anything began does nothing', async () => {
    const summary = await bench.run([image('a', [])], {}, { signal: AbortSignal.abort(new Error('Ctrl-C')) });
    expect(summary.counts).toMatchObject({ cancelled: 1, built: 0 });
  });
});

describe('a plan file', () => {
  it('can be applied again after an interruption, and only the rest is done', async () => {
    const nodes = [image('a', []), image('b', ['a'])];
    const planned = await bench.plan(nodes, { force: [] });
    bench.builder.onBuild = async (name) => {
      if (name === 'b') throw new BuildFailure({ code: 'NO', retry: 'never', words: 'no' });
    };
    await bench.applyPlan(nodes, planned);
    bench.builder.onBuild = () => Promise.resolve();
    const again = await bench.applyPlan(nodes, planned);
    expect(again).toMatchObject({ is: 'done', summary: { counts: { kept: 1, built: 1 } } });
    expect(bench.builder.built).toEqual(['a', 'b', 'b']);
  });

  it('is stale when the state has moved on, and nothing is done', async () => {
    const nodes = [image('a', [])];
    const planned = await bench.plan(nodes);
    await bench.run(nodes, { force: [id('a')] });
    expect(await bench.applyPlan(nodes, planned)).toMatchObject({ is: 'stale', stale: [{ node: 'a' }] });
    expect(bench.builder.built).toEqual(['a']);
  });

  it('of a forced build forces once', async () => {
    const nodes = [image('a', [])];
    await bench.run(nodes);
    const planned = await bench.plan(nodes, { force: [id('a')] });
    await bench.applyPlan(nodes, planned);
    await bench.applyPlan(nodes, planned);
    expect(bench.builder.built).toEqual(['a', 'a']);
  });

  it('is refused while somebody else applies', async () => {
    const nodes = [image('a', [])];
    const holder = { pid: 9, host: 'there', run: 'r', since: 'now' };
    await bench.store.lock(holder);
    expect(await bench.applyPlan(nodes, await bench.plan(nodes))).toEqual({ is: 'locked', holder });
    expect((await bench.run(nodes, {}, { lock: 'held' })).counts.built).toBe(1);
  });
});

describe('what goes wrong', () => {
  it('in the state stops the run, after what runs has ended, and is not taken for a failed build', async () => {
    bench.store.beforeCommit = () => {
      throw new Error('disk full');
    };
    await expect(bench.run([image('a', []), image('b', [])])).rejects.toThrow('disk full');
    expect(bench.store.failures.size).toBe(0);
    bench.store.beforeCommit = () => undefined;
    // What the engine had finished is found by its key.
    expect((await bench.run([image('a', []), image('b', [])])).counts).toMatchObject({ adopted: 2, built: 0 });
  });

  it('takes too long: it is stopped and called a timeout', async () => {
    const timer = new HandTimer();
    bench.timeoutMs = 60_000;
    const hand = byHand();
    const running = bench.run([image('a', [])], {}, { timer });
    await hand.until('a');
    timer.pass(60_000);
    expect((await running).failed).toEqual([{ node: 'a', error: expect.objectContaining({ code: 'TIMEOUT' }) }]);
  });

  it('for a while is tried again, and told', async () => {
    const timer = new HandTimer();
    let left = 2;
    bench.builder.onBuild = async () => {
      if (left-- > 0) throw new BuildFailure({ code: 'ENGINE_BUSY', retry: 'backoff', words: 'busy' });
    };
    const running = bench.run([image('a', [])], {}, { timer });
    await timer.passAll();
    expect((await running).counts.built).toBe(1);
    expect(bench.events.filter(({ type }) => type === 'node-retry')).toHaveLength(2);
  });

  it('at a registry that is away for a while holds nothing up for good', async () => {
    const timer = new HandTimer();
    const nodes = [image('a', []), publication('a', ONE, 'cpu', ['a'])];
    const planned = await bench.plan(nodes);
    const resolve = bench.registry.resolve.bind(bench.registry);
    // The look for a candidate, then the first attempt to publish.
    let left = 2;
    bench.registry.resolve = async (at) =>
      left-- > 0
        ? { seen: 'unknown', why: { code: 'REGISTRY_UNREACHABLE', retry: 'backoff', words: 'away' } }
        : resolve(at);
    const running = bench.applyPlan(nodes, planned, { timer });
    await timer.passAll();
    expect(await running).toMatchObject({ is: 'done', summary: { counts: { built: 1, published: 1, failed: 0 } } });
    expect(bench.events.filter(({ type }) => type === 'node-retry')).toHaveLength(1);
  });

  it.each([
    ['an identity that is no digest', { identity: '../../etc', at: [] }],
    ['an image that is nowhere', { identity: digestOf('x'), at: [] }],
    [
      'a place that is no registry',
      { identity: digestOf('x'), at: [{ registry: 'a b', repository: 'x', manifest: digestOf('m') }] },
    ],
    ['a name with control characters', { identity: digestOf('x'), at: [{ engine: 'e', name: 'x\u001b[2J' }] }],
    ['nothing', undefined],
  ])('in a builder that answers with %s fails its node', async (_what, output) => {
    bench.builder.build = () => Promise.resolve(output as never);
    expect((await bench.run([image('a', [])])).failed).toEqual([
      { node: 'a', error: expect.objectContaining({ code: 'BUILDER_ANSWER' }) },
    ]);
  });

  it('in a push that left something else leaves the tags where they were', async () => {
    bench.builder.push = async (_image, to) =>
      bench.registry.put(to.registry, to.repository, 'whatever', digestOf('something else'));
    const summary = await bench.run([image('a', []), publication('a', ONE, 'cpu', ['a'])]);
    expect(summary.failed).toEqual([
      { node: expect.stringContaining('publication'), error: expect.objectContaining({ code: 'IDENTITY_CHANGED' }) },
    ]);
    expect(bench.registry.shown(ONE, 'cpu', 'a')).toBeNull();
  });
});

describe('two nodes that are one image', () => {
  it('share one build', async () => {
    bench.builder.reproducible = false;
    const summary = await bench.run([image('a~1', []), image('a~2', [])]);
    expect(bench.builder.built).toEqual(['a']);
    expect(summary.counts).toMatchObject({ built: 1, adopted: 1 });
    expect(bench.store.entries.get(id('a~1'))?.output.identity).toBe(
      bench.store.entries.get(id('a~2'))?.output.identity,
    );
  });

  it('try one after the other when it fails', async () => {
    let left = 1;
    bench.builder.onBuild = async () => {
      if (left-- > 0) throw new BuildFailure({ code: 'NO', retry: 'never', words: 'no' });
    };
    expect((await bench.run([image('a~1', []), image('a~2', [])])).counts).toMatchObject({ built: 1, failed: 1 });
  });
});

describe('pruning', () => {
  it('deletes what a vanished node left, but for what another entry needs', async () => {
    const nodes = [
      image('a', []),
      image('b', []),
      publication('a', ONE, 'cpu', ['a']),
      publication('a', ONE, 'cpu', ['alias']),
      publication('b', null, 'local', ['b']),
    ];
    await bench.run(nodes);
    const kept = nodes.slice(0, 3);
    const summary = await bench.run([kept[0]!, kept[2]!], { prune: true });
    expect(summary.counts).toMatchObject({ deleted: 3 });
    expect(bench.registry.asked.filter((asked) => asked.startsWith('remove'))).toEqual([]);
    expect([...bench.builder.names.keys()].filter((name) => name.startsWith('local'))).toEqual([]);
    expect(bench.store.entries.size).toBe(2);
    const last = await bench.run([image('c', [])], { prune: true });
    expect(last.counts).toMatchObject({ deleted: 2, built: 1 });
    expect(bench.registry.asked.filter((asked) => asked.startsWith('remove'))).toHaveLength(1);
    expect([...bench.builder.names.keys()]).toHaveLength(1);
  });
});
