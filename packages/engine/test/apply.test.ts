// Plan and apply together over a world in memory: what is done, and that it is no more than needed.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench } from './support/bench.ts';
import { FakeBuilder } from './support/fake-builder.ts';
import { external, id, image, publication } from './support/nodes.ts';

const ONE = 'one.test:5000';
const TWO = 'two.test:5000';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.registry.put(ONE, 'debian', '12', `sha256:${'d'.repeat(64)}`);
});
afterEach(() => bench.close());

const debian = external(`${ONE}/debian:12`);
const base = image('base', [debian.id]);
const env = (content = '1') => image('env', ['base'], { content });
const fleet = (content = '1') => [
  debian,
  base,
  env(content),
  publication('env', ONE, 'cpu', ['env']),
  publication('base', ONE, 'cpu', ['base']),
];

describe('apply', () => {
  it('builds everything, publishes it, and has nothing left to do', async () => {
    const summary = await bench.run(fleet());
    expect(summary.counts).toMatchObject({ built: 2, published: 2, adopted: 1, failed: 0 });
    expect(bench.builder.built).toEqual(['base', 'env']);
    expect(bench.registry.shown(ONE, 'cpu', 'env')).toBe(bench.store.entries.get(id('env'))?.output.identity);
    expect(await bench.efforts(fleet())).toEqual({});
    expect(await bench.efforts(fleet(), { refresh: 'none' })).toEqual({});
  });

  it('cuts off early when a rebuilt base comes out as it was', async () => {
    await bench.run(fleet());
    const nodes = fleet().map((node) => (node.id === 'base' ? image('base', [debian.id], { comment: 'new' }) : node));
    const summary = await bench.run(nodes);
    expect(bench.builder.built).toEqual(['base', 'env', 'base']);
    expect(summary.counts).toMatchObject({ built: 1, published: 0 });
    expect(await bench.efforts(nodes)).toEqual({});
  });

  it('adopts everything from the registry with an empty state on another machine', async () => {
    await bench.run(fleet());
    const other = new Bench();
    for (const [name, repository] of bench.registry.repositories) other.registry.repositories.set(name, repository);
    const summary = await other.run(fleet());
    expect(other.builder.built).toEqual([]);
    expect(summary.counts).toMatchObject({ adopted: 5, built: 0, published: 0 });
    expect(await other.efforts(fleet())).toEqual({});
    other.close();
  });

  it('plans nothing when the base was pruned after publication, and fetches it when an env has to be built on it', async () => {
    await bench.run(fleet());
    bench.builder.names.clear();
    expect(await bench.efforts(fleet())).toEqual({});
    const summary = await bench.run(fleet('2'));
    expect(bench.builder.built).toEqual(['base', 'env', 'env']);
    expect(summary.counts).toMatchObject({ built: 1, fetched: 1, published: 1 });
    expect(await bench.efforts(fleet('2'))).toEqual({});
  });

  it('builds an absent base again only for the env that needs it', async () => {
    const nodes = (content: string) => [
      base,
      debian,
      env(content),
      image('other', ['base']),
      publication('env', ONE, 'cpu', ['env']),
      publication('other', TWO, 'cpu', ['other']),
    ];
    await bench.run(nodes('1'));
    bench.builder.names.clear();
    const summary = await bench.run(nodes('2'));
    expect(bench.builder.built.slice(3)).toEqual(['base', 'env']);
    expect(summary.counts).toMatchObject({ built: 2, published: 1 });
  });

  it('copies to a second registry without building', async () => {
    await bench.run(fleet());
    bench.builder.names.clear();
    bench.registry.asked.length = 0;
    const nodes = [...fleet(), publication('env', TWO, 'gpu', ['env', 'latest'])];
    const summary = await bench.run(nodes);
    expect(summary.counts).toMatchObject({ built: 0, published: 1 });
    expect(bench.registry.asked.filter((one) => one.startsWith('copy') || one.startsWith('tag'))).toEqual([
      'copy cpu to gpu',
      'tag gpu:env',
      'tag gpu:latest',
    ]);
  });

  it('tells what copies and pushes took, of each node, in its log and of the run', async () => {
    const nodes = [...fleet(), publication('env', TWO, 'gpu', ['env']), publication('env', ONE, 'other', ['env'])];
    bench.builder.onPush = (ctx) => ctx.emit({ type: 'sent', uploaded: 500, mounted: 0, skipped: 70 });
    await bench.run(nodes);
    const settled = bench.events.filter((event) => event.type === 'node-settled');
    const sent = settled.filter((event) => event.sent !== undefined);
    const pushed = { uploaded: 500, mounted: 0, skipped: 70 };
    const mounted = { uploaded: 0, mounted: 1_000, skipped: 10 };
    const copied = { uploaded: 1_000, mounted: 0, skipped: 10 };
    // One push of the env and one of the base; whatever came after the first of the env is a copy.
    const sum = (part: 'uploaded' | 'mounted' | 'skipped') =>
      sent.reduce((all, one) => all + (one.sent?.[part] ?? 0), 0);
    expect(
      sent.every(({ sent: bytes }) =>
        [pushed, mounted, copied].some((one) => JSON.stringify(one) === JSON.stringify(bytes)),
      ),
    ).toBe(true);
    expect(sent).toHaveLength(4);
    const total = { uploaded: sum('uploaded'), mounted: sum('mounted'), skipped: sum('skipped') };
    expect(bench.events.at(-1)).toMatchObject({ type: 'run-finished', sent: total });
    const log = sent.find((one) => JSON.stringify(one.sent) === JSON.stringify(pushed))?.log;
    expect(readFileSync(log!, 'utf8')).toContain('pushed 500 B, 70 B were there\n');
    await bench.run(nodes);
    expect(bench.events.at(-1)).not.toHaveProperty('sent');
  });

  it('tells a builder where the plan publishes an image, and nothing of what it does not publish', async () => {
    const told = new Map<string, unknown>();
    bench.builder.onBuild = async (name, job) => void told.set(name, job.publishTo);
    await bench.run([
      ...fleet(),
      publication('env', ONE, 'cpu', ['env-too']),
      publication('env', TWO, 'gpu', ['env']),
      publication('env', null, 'here', ['env']),
      image('alone', [debian.id]),
    ]);
    expect(told.get('env')).toEqual([
      { registry: ONE, repository: 'cpu' },
      { registry: TWO, repository: 'gpu' },
    ]);
    expect(told.get('base')).toEqual([{ registry: ONE, repository: 'cpu' }]);
    expect(told.get('alone') ?? []).toEqual([]);
  });

  it('goes on beside a failure, skips what rests on it with the cause, and notes the failure beside the last success', async () => {
    await bench.run(fleet());
    bench.builder.onBuild = async (name) => {
      if (name === 'env') throw new Error('no matching distribution');
    };
    const nodes = [...fleet('2'), image('third', ['base']), publication('third', ONE, 'cpu', ['third'])];
    const summary = await bench.run(nodes);
    expect(summary.failed).toEqual([{ node: 'env', error: expect.objectContaining({ code: 'BUILDER_BROKEN' }) }]);
    expect(summary.counts).toMatchObject({ built: 1, published: 1, skipped: 1, failed: 1 });
    expect(bench.events).toContainEqual(
      expect.objectContaining({ type: 'node-settled', outcome: 'skipped', cause: 'env' }),
    );
    expect(bench.store.failures.get(id('env'))?.error.words).toContain('no matching distribution');
    expect(bench.store.entries.get(id('env'))).toBeDefined();
  });
});

describe('an image with attestations', () => {
  it('is published as the index that holds them, copied as such, and found again', async () => {
    bench.builder.attests = true;
    const nodes = [...fleet(), publication('env', TWO, 'cpu', ['env'])];
    await bench.run(nodes);
    for (const registry of [ONE, TWO]) {
      const { tags } = bench.registry.repository(registry, 'cpu');
      expect(bench.registry.indexes.has(tags.get('env')!)).toBe(true);
    }
    expect(await bench.efforts(nodes)).toEqual({});
    bench.builder.names.clear();
    bench.store.entries.clear();
    await bench.run(nodes);
    expect(bench.builder.built).toEqual(['base', 'env']);
    expect(bench.registry.indexes.has(bench.registry.repository(TWO, 'cpu').tags.get('env')!)).toBe(true);
  });
});

describe('two builders', () => {
  const mixed = [debian, base, image('env', ['base'], { builder: 'other' }), publication('env', ONE, 'cpu', ['env'])];

  beforeEach(() => {
    bench.others.set('other', new FakeBuilder('engine-2', bench.registry, bench.builder.origins));
  });

  it('hand a new base over by way of where it is published, before its tags are moved', async () => {
    const nodes = [...mixed, publication('base', ONE, 'cpu', ['base'])];
    const summary = await bench.run(nodes);
    expect(summary.counts).toMatchObject({ built: 2, published: 2, failed: 0 });
    expect(bench.others.get('other')?.built).toEqual(['env']);
    expect(await bench.efforts(nodes)).toEqual({});
  });

  it('have no way from one to the other where the base is published nowhere, and say so', async () => {
    const summary = await bench.run(mixed);
    expect(summary.counts).toMatchObject({ built: 1, failed: 1, skipped: 1 });
    expect(bench.store.failures.get(id('env'))?.error.code).toBe('PARENT_ELSEWHERE');
  });
});
