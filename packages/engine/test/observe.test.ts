// What observing asks, and what it makes of the answers: no more questions than a plan needs, and unknown where nobody answers.
import { digestOf } from '@rebake/sdk';
import type { Node } from '@rebake/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { observe } from '../src/index.ts';
import { Bench } from './support/bench.ts';
import { external, id, image, publication } from './support/nodes.ts';

const ONE = 'one.test:5000';
const TWO = 'two.test:5000';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const look = async (nodes: readonly Node[], refresh: 'all' | 'none' = 'all') =>
  observe({
    nodes,
    state: await bench.store.read(),
    builders: bench.pool,
    registry: bench.registry,
    ctx: bench.ctx,
    refresh,
    signal: new AbortController().signal,
    memory: bench.store,
  });

const envs = (count: number): Node[] =>
  Array.from({ length: count }, (_, n) => [
    image(`env-${n}`, ['base']),
    publication(`env-${n}`, ONE, 'cpu', [`env-${n}`]),
  ]).flat();

describe('observe', () => {
  it('asks one question a tag when nothing has changed, and none about images', async () => {
    const nodes = [image('base', []), ...envs(20)];
    await bench.run(nodes);
    bench.registry.asked.length = 0;
    const world = await look(nodes);
    expect(bench.registry.asked.toSorted()).toEqual(
      Array.from({ length: 20 }, (_, n) => `head ${ONE}/cpu env-${n}`).toSorted(),
    );
    expect(world.outputs.get(id('base'))).toMatchObject({ seen: 'unknown', why: { code: 'NOT_OBSERVED' } });
    expect(world.refreshed).toBe(true);
  });

  it('asks a host that is down once, and gives its own words for all of it', async () => {
    const nodes = [external(`${TWO}/up:1`), external(`${TWO}/up:2`), image('base', []), ...envs(20)];
    await bench.run(nodes.slice(2));
    bench.registry.down.add(ONE);
    bench.registry.down.add(TWO);
    bench.registry.asked.length = 0;
    const world = await look(nodes);
    expect(bench.registry.asked.filter((asked) => asked.includes(ONE))).toHaveLength(1);
    expect(bench.registry.asked.filter((asked) => asked.includes(TWO))).toHaveLength(1);
    for (const node of nodes.filter(({ role }) => role !== 'image')) {
      expect(world.outputs.get(node.id)).toMatchObject({
        seen: 'unknown',
        why: { words: expect.stringContaining('does not answer') },
      });
    }
  });

  it('asks for an external once, however many nodes and platforms name it', async () => {
    bench.registry.put(ONE, 'debian', '12', digestOf('debian'));
    const debian = external(`${ONE}/debian:12`);
    const world = await look([debian, { ...debian, id: id('external/again') }, image('a', [debian.id])]);
    expect(bench.registry.asked.filter((asked) => asked.endsWith('debian 12'))).toEqual([`resolve ${ONE}/debian 12`]);
    expect(world.outputs.get(id('external/again'))).toMatchObject({
      seen: 'yes',
      value: { identity: digestOf('debian') },
    });
  });

  it('looks for a name without a registry in the engine that would use it', async () => {
    bench.builder.names.set('mybase:1', digestOf('mine'));
    const mine = external('mybase:1');
    const world = await look([mine, image('a', [mine.id]), external('other:1'), external('Not a reference')]);
    expect(world.outputs.get(mine.id)).toMatchObject({ seen: 'yes', value: { identity: digestOf('mine') } });
    expect(world.outputs.get(id('external/other:1'))).toEqual({ seen: 'no' });
    expect(world.outputs.get(id('external/Not a reference'))).toMatchObject({
      seen: 'unknown',
      why: { code: 'REFERENCE_INVALID' },
    });
  });

  it('names the tag that moved', async () => {
    const nodes = [image('a', []), publication('a', ONE, 'cpu', ['x', 'y', 'z'])];
    await bench.run(nodes);
    bench.registry.put(ONE, 'cpu', 'y', digestOf('foreign'));
    const world = await look(nodes);
    const [publicationId] = [nodes[1]!.id];
    expect(world.outputs.get(publicationId)).toMatchObject({ seen: 'yes', value: { identity: digestOf('foreign') } });
    expect(world.movedTags?.get(publicationId)).toBe('y');
    expect((await bench.plan(nodes)).plan.actions[1]?.reasons[0]?.cause).toMatchObject({ code: 'TAG_MOVED', tag: 'y' });
  });

  it('never takes tags that show different images for published', async () => {
    const nodes = [image('a', []), publication('a', ONE, 'cpu', ['x', 'y'])];
    await bench.run(nodes);
    bench.registry.put(ONE, 'cpu', 'x', digestOf('foreign'));
    bench.store.entries.delete(nodes[1]!.id);
    expect(await bench.efforts(nodes)).toEqual({ [nodes[1]!.id]: 'publish' });
  });

  it('publishes a candidate alone where there are no tags', async () => {
    const nodes = [image('a', []), publication('a', ONE, 'cpu', [])];
    await bench.run(nodes);
    expect(await bench.efforts(nodes)).toEqual({});
    const other = new Bench();
    for (const [name, repository] of bench.registry.repositories) other.registry.repositories.set(name, repository);
    expect((await other.run(nodes)).counts).toMatchObject({ adopted: 2, built: 0 });
    other.close();
    bench.registry.repositories.clear();
    expect(await bench.efforts(nodes)).toEqual({ [nodes[1]!.id]: 'publish' });
  });

  it('believes the state and asks nobody without refresh, and says that it does', async () => {
    const nodes = [image('base', []), ...envs(3)];
    await bench.run(nodes);
    bench.registry.asked.length = 0;
    bench.builder.down = true;
    bench.registry.down.add(ONE);
    const world = await look([...nodes, external(`${ONE}/never:1`)], 'none');
    expect(bench.registry.asked).toEqual([]);
    expect(world.refreshed).toBe(false);
    expect(world.builders.get('fake')).toMatchObject({ seen: 'yes', value: { engine: 'engine-1' } });
    expect(world.outputs.get(id(`external/${ONE}/never:1`))).toMatchObject({
      seen: 'unknown',
      why: { code: 'NOT_OBSERVED' },
    });
    const renamed = nodes.map((node) =>
      node.id === 'env-1'
        ? image('env-1~2', ['base'])
        : node.parents[0] === 'env-1'
          ? { ...node, parents: [id('env-1~2')] }
          : node,
    );
    expect(await bench.efforts(renamed, { refresh: 'none' })).toMatchObject({ 'env-1~2': 'adopt', 'env-1': 'forget' });
  });

  it('makes an unknown of a builder that is missing, lies or breaks', async () => {
    const nodes = [image('a', [], { builder: 'none' }), image('b', [])];
    bench.builder.contents = 'no version';
    const world = await look(nodes);
    expect(world.builders.get('none')).toMatchObject({ seen: 'unknown', why: { code: 'BUILDER_UNKNOWN' } });
    expect(world.builders.get('fake')).toMatchObject({ seen: 'unknown', why: { code: 'BUILDER_ANSWER' } });
    bench.builder.probe = () => Promise.reject(new TypeError('undefined is not a function'));
    expect((await look(nodes)).builders.get('fake')).toMatchObject({
      seen: 'unknown',
      why: { code: 'BUILDER_BROKEN' },
    });
  });
});
