// What is started first when several nodes may start.
import { buildGraph } from '@rebake/planner';
import { BuildFailure } from '@rebake/sdk';
import type { Node, NodeId } from '@rebake/sdk';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startOrder } from '../src/apply/order.ts';
import { Bench } from './support/bench.ts';
import { id, image } from './support/nodes.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

/** One thing at a time: else a builder with room takes the next best while the best is still being asked about. */
const ONE = { parallelism: 1 } as const;
const HOT: Readonly<Record<string, number>> = { 'env/hot': 9, 'env/warm': 5 };
const hotFirst = (node: Node): number => HOT[node.id] ?? 0;

describe('the order in which nodes start', () => {
  const nodes = [
    image('base/a', []),
    image('base/b', []),
    image('env/long', ['base/a']),
    image('env/longer', ['env/long']),
    image('env/warm', ['base/a']),
    image('env/hot', ['base/b']),
  ];

  it('follows the longest remaining path when nothing is wanted more than the rest', async () => {
    await bench.run(nodes, {}, ONE);
    // The last three are equally near to the end.
    expect(bench.builder.built.slice(0, 3)).toEqual(['base/a', 'base/b', 'env/long']);
  });

  it('puts what is wanted most first, with the bases that it needs', async () => {
    await bench.run(nodes, {}, { ...ONE, priority: hotFirst });
    expect(bench.builder.built).toEqual(['base/b', 'env/hot', 'base/a', 'env/warm', 'env/long', 'env/longer']);
  });

  it('lets the hottest envs be the first wave', async () => {
    const broken = { code: 'BUILD_FAILED', retry: 'never', words: 'no such package' } as const;
    bench.builder.onBuild = (name) =>
      name === 'env/hot' ? Promise.reject(new BuildFailure(broken)) : Promise.resolve();
    const summary = await bench.run(nodes, {}, { ...ONE, priority: hotFirst, brakes: { wave: 1 } });
    expect(bench.builder.built).toEqual(['base/b', 'env/hot']);
    expect(summary.counts).toMatchObject({ built: 1, failed: 1, cancelled: 4 });
  });

  it('is by want first and by path then, whatever the graph', () => {
    const scene = fc.array(fc.record({ parent: fc.nat(9), want: fc.nat(3), ms: fc.nat(3) }), { maxLength: 12 });
    fc.assert(
      fc.property(scene, (pieces) => {
        const named = pieces.map((piece, at) => ({ ...piece, name: `n${at}` }));
        const graph = buildGraph(named.map(({ name, parent }, at) => image(name, at === 0 ? [] : [`n${parent % at}`])));
        const own = new Map<NodeId, number>(named.map(({ name, want }) => [id(name), want]));
        const remaining = new Map<NodeId, number>(named.map(({ name, ms }) => [id(name), ms]));
        const order = startOrder(graph, remaining, (node) => own.get(node.id) ?? 0);
        const want = (node: NodeId): number =>
          Math.max(
            own.get(node) ?? 0,
            ...(graph.children[graph.rank.get(node) ?? -1] ?? []).map((child) => want(graph.order[child]!.id)),
          );
        for (const a of remaining.keys())
          for (const b of remaining.keys()) {
            const wanted = want(a) - want(b) || remaining.get(a)! - remaining.get(b)!;
            expect(Math.sign(order.get(a)! - order.get(b)!)).toBe(Math.sign(wanted));
          }
      }),
    );
  });
});
