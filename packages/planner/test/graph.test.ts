import { topologicalSort } from 'graphology-dag';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildGraph, graphDigest, toGraphology } from '../src/index.ts';
import type { Node } from '@rebake/sdk';
import { reach } from '../src/graph.ts';
import { external, id, image, publication, SOMEWHERE } from './scene.ts';

describe('buildGraph', () => {
  const nodes = [
    publication('z/pub', 'env'),
    image('env', ['base', 'external/x']),
    image('base', ['external/x']),
    external('external/x'),
  ];

  it('puts parents before children, whatever the order of the nodes', () => {
    const graph = buildGraph(nodes);
    expect(graph.order.map(({ id: name }) => name)).toEqual(['external/x', 'base', 'env', 'z/pub']);
    expect(buildGraph(nodes.toReversed()).order).toEqual(graph.order);
  });

  it('gives edges as ranks: parents in the order of the node, children rising', () => {
    const graph = buildGraph(nodes);
    expect(graph.rank.get(id('env'))).toBe(2);
    expect(graph.parents).toEqual([[], [0], [1, 0], [2]]);
    expect(graph.children).toEqual([[1, 2], [2], [3], []]);
  });

  it('throws on what must have been diagnosed before', () => {
    expect(() => buildGraph([image('a'), image('a')])).toThrow('two nodes are called a');
    expect(() => buildGraph([image('a', ['b'])])).toThrow('a has an unknown parent b');
    expect(() => buildGraph([image('b'), image('a', ['b', 'b'])])).toThrow('a has the same parent twice');
    expect(() => buildGraph([image('a', ['c']), image('b', ['a']), image('c', ['b'])])).toThrow('cycle through a');
    expect(() => buildGraph([image('a', ['a'])])).toThrow('cycle through a');
    expect(() => buildGraph([image('b'), image('a', ['b', 'c']), image('c', ['a'])])).toThrow('cycle through a');
    expect(() => buildGraph([image('a'), { ...external('x'), parents: [id('a')] }])).toThrow(
      'x is external and has parents',
    );
    expect(() => buildGraph([image('a'), publication('p', 'a'), image('b', ['p'])])).toThrow(
      'b has a publication as parent',
    );
    expect(() => buildGraph([external('x'), publication('p', 'x')])).toThrow(
      'p is a publication and needs one image as parent',
    );
    expect(() =>
      buildGraph([image('a'), image('b'), { ...publication('p', 'a'), parents: [id('a'), id('b')] }]),
    ).toThrow('needs one image');
    expect(() => buildGraph([image('a'), { ...publication('p', 'a'), parents: [] }])).toThrow('needs one image');
  });

  it('takes diamonds and long chains', () => {
    expect(
      buildGraph([image('d', ['b', 'c']), image('c', ['a']), image('b', ['a']), image('a')]).order.map(
        (node) => node.id,
      ),
    ).toEqual(['a', 'b', 'c', 'd']);
    const chain = Array.from({ length: 20_000 }, (_, at) => image(`n${at}`, at === 0 ? [] : [`n${at - 1}`]));
    expect(buildGraph(chain).order.at(-1)?.id).toBe('n19999');
  });

  it('is empty for no nodes', () => {
    expect(buildGraph([])).toEqual({ order: [], rank: new Map(), parents: [], children: [] });
  });

  it('agrees with graphology on what comes first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 4 }), { maxLength: 30 }), async (edges) => {
        const random: Node[] = edges.map((to, at) =>
          image(
            `n${at}`,
            [...new Set(to.filter((other) => other < at))].map((other) => `n${other}`),
          ),
        );
        const graph = buildGraph(random);
        const directed = await toGraphology(graph);
        expect(directed.order).toBe(random.length);
        const sorted = topologicalSort(directed);
        expect(new Set(sorted)).toEqual(new Set(graph.order.map((node) => node.id)));
        for (const [rank, node] of graph.order.entries()) {
          expect(directed.getNodeAttribute(node.id, 'node')).toBe(node);
          expect(directed.inNeighbors(node.id).toSorted()).toEqual(node.parents.toSorted());
          for (const parent of node.parents) expect(graph.rank.get(parent)).toBeLessThan(rank);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('reach', () => {
  it('finds all nodes along the edges, with those it starts from', () => {
    expect(reach([[1], [2], [], [2]], [0])).toEqual(new Set([0, 1, 2]));
    expect(reach([[1], [2], [], [2]], [3, 2])).toEqual(new Set([2, 3]));
    expect(reach([[1]], []).size).toBe(0);
  });
});

describe('graphDigest', () => {
  const base = image('base', [], { inputs: { a: '1', b: '2' } });
  const nodes: readonly Node[] = [external('x'), base, publication('p', 'base', { tags: ['t'] })];
  const digest = graphDigest(nodes);
  const other = (...changed: readonly Node[]): string =>
    graphDigest([...nodes.filter((node) => changed.every((one) => one.id !== node.id)), ...changed]);

  it('does not depend on the order of nodes or inputs, nor on what is for people', () => {
    expect(graphDigest(nodes.toReversed())).toBe(digest);
    expect(other({ ...base, inputs: Object.fromEntries(Object.entries(base.inputs).toReversed()) })).toBe(digest);
    expect(
      other({
        ...base,
        kind: 'other',
        because: [SOMEWHERE, SOMEWHERE],
        inputs: Object.fromEntries(
          Object.entries(base.inputs).map(([key, { digest: value }]) => [key, { digest: value }]),
        ),
      }),
    ).toBe(digest);
  });

  it('depends on everything that is declared', () => {
    const changed = [
      other(image('base', ['x'], { inputs: { a: '1', b: '2' } })),
      other(image('base', [], { inputs: { a: '1', b: '3' } })),
      other(image('base', [], { inputs: { a: '1', c: '2' } })),
      other(image('base', [], { inputs: { a: '1' } })),
      other(image('base', [], { inputs: { a: '1', b: '2' }, builder: 'other' })),
      other(image('base', [], { inputs: { a: '1', b: '2' }, platform: 'linux/arm64' })),
      other(external('x', { ref: 'y:1', inputs: { ref: 'x:1' } })),
      other({ ...external('x'), platform: 'linux/arm64' }),
      other(publication('p', 'base', { tags: ['t', 'u'], inputs: { tags: 't' } })),
      other(publication('p', 'base', { tags: ['t'], registry: null })),
      other(publication('p', 'base', { tags: ['t'], registry: 'other' })),
      other({ ...publication('p', 'base', { tags: ['t'] }), repository: 'other' }),
      other(image('more')),
      graphDigest(nodes.slice(0, 2)),
      digest,
    ];
    expect(new Set(changed).size).toBe(changed.length);
  });

  it('does not mistake one text for the end of another', () => {
    const tagged = (...tags: readonly string[]): string =>
      graphDigest([image('base'), publication('p', 'base', { tags, inputs: {} })]);
    expect(tagged('a', 'b')).not.toBe(tagged('a1:b'));
    expect(tagged('a1:b')).not.toBe(tagged('a', 'b'));
    expect(tagged('', 'a')).not.toBe(tagged('a', ''));
  });
});
