// Images that somebody else has made: adopted instead of built, with what is said of them; and never more than that.
import { BuildFailure, digestOf } from '@rebake/sdk';
import type { Claim, Image, Location, Node } from '@rebake/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench } from './support/bench.ts';
import { FakeBuilder } from './support/fake-builder.ts';
import { id, image, publication } from './support/nodes.ts';

const EU = 'eu.test:5000';
const NOTE = 'built by DSS 14.3.2 on 2026-11-01';
const UNVERIFIED = ['its packages'];

let bench: Bench;
let dss: FakeBuilder;
let asked: string[];

beforeEach(() => {
  bench = new Bench();
  dss = new FakeBuilder('dss-1', bench.registry, bench.builder.origins);
  bench.others.set('dss', dss);
  asked = [];
});
afterEach(() => bench.close());

const identityOf = (name: string) => digestOf(`by somebody else: ${name}`);

/** These images are said to be made already, at these places. */
function claim(claimed: Readonly<Record<string, readonly Location[]>>): void {
  bench.claims = (node): Promise<Claim | null> => {
    asked.push(node.id);
    const at = claimed[node.id];
    if (at === undefined) return Promise.resolve(null);
    return Promise.resolve({ output: { identity: identityOf(node.id), at }, note: NOTE, unverified: UNVERIFIED });
  };
}

/** An image that another system makes on its own. */
function delegated(name: string, parent: string, content = '1'): Image {
  const made = image(name, [parent], { content, builder: 'dss' });
  const request = { name, content };
  return { ...made, spec: { ...made.spec, steps: [{ step: 'delegate', kind: 'test/env', request, at: [] }] } };
}

/** As an engine of another system has it, where rebake cannot look. */
const hasBase = (): unknown => dss.names.set('dku-exec-base', identityOf('base'));

describe('what somebody else has made', () => {
  it('is adopted with what is said of it, and there is nothing to do afterwards', async () => {
    claim({ base: [], env: [] });
    const nodes = [image('base', []), delegated('env', 'base')];
    const planned = await bench.plan(nodes);
    expect(planned.plan.actions.map(({ node, atMost, claim: said }) => [node, atMost, said])).toEqual([
      ['base', 'adopt', { note: NOTE, unverified: UNVERIFIED }],
      ['env', 'adopt', { note: NOTE, unverified: UNVERIFIED }],
    ]);
    expect(await bench.applyPlan(nodes, planned)).toMatchObject({ is: 'done', summary: { counts: { adopted: 2 } } });
    expect([...bench.builder.built, ...dss.built]).toEqual([]);
    expect(bench.events.filter(({ type }) => type === 'node-settled')).toMatchObject([
      { node: 'base', outcome: 'adopted', claim: { note: NOTE, unverified: UNVERIFIED } },
      { node: 'env', outcome: 'adopted', claim: { note: NOTE, unverified: UNVERIFIED } },
    ]);
    const entry = bench.store.entries.get(id('env'));
    expect(entry).toMatchObject({ record: NOTE, output: { identity: identityOf('env') } });
    expect(entry?.parents).toEqual({ base: identityOf('base') });
    expect(await bench.efforts(nodes)).toEqual({});
  });

  it('only gets the name of its candidate where it is published without tags', async () => {
    const manifest = bench.registry.put(EU, 'envs/env', 'chosen-by-dss', identityOf('env'));
    claim({ base: [], env: [{ registry: EU, repository: 'envs/env', manifest }] });
    const nodes = [image('base', []), delegated('env', 'base'), publication('env', EU, 'envs/env', [])];
    expect((await bench.run(nodes)).counts).toMatchObject({ adopted: 2, published: 1, built: 0 });
    expect([...bench.registry.repository(EU, 'envs/env').tags.keys()]).toEqual([
      'chosen-by-dss',
      expect.stringMatching(/^rebake-[0-9a-f]+$/),
    ]);
    expect(await bench.efforts(nodes)).toEqual({});
  });

  it('is asked for only without an entry, without a candidate and below what is certain', async () => {
    const base = image('base', []);
    const env = image('env', ['base']);
    await bench.run([base, env]);
    claim({});
    await bench.plan([base, image('env', ['base'], { content: '2' })]);
    expect(asked).toEqual([]);
    bench.store.entries.delete(env.id);
    expect(await bench.efforts([base, env])).toEqual({ env: 'adopt' });
    expect(asked).toEqual([]);
    await bench.plan([image('base', [], { content: '2' }), image('new', ['base'])]);
    expect(asked).toEqual([]);
    await bench.plan([base, image('new', ['base'])], { refresh: 'none' });
    await bench.plan([base, image('new', ['base'])], { force: [id('new')] });
    expect(asked).toEqual([]);
    await bench.plan([base, image('new', ['base'])]);
    expect(asked).toEqual(['new']);
  });

  it('is neither adopted nor built where nobody can tell', async () => {
    const words = 'eu.test:5000 does not answer';
    bench.claims = () => Promise.reject(new BuildFailure({ code: 'REGISTRY_UNREACHABLE', retry: 'backoff', words }));
    const nodes = [image('base', []), image('env', ['base'])];
    const { plan, blockers, blocked } = await bench.plan(nodes);
    expect(plan.actions.map(({ atMost }) => atMost)).toEqual(['keep', 'keep']);
    expect(blockers).toMatchObject([{ node: 'base', code: 'OBSERVATION_UNKNOWN', why: { words } }]);
    expect([...blocked.keys()]).toEqual(['base', 'env']);
    // Who asks for a build gets one.
    expect(await bench.efforts(nodes, { force: [id('base')] })).toMatchObject({ base: 'build' });
  });

  it('is not built instead when it is taken back between plan and apply', async () => {
    claim({ base: [] });
    const nodes = [image('base', [])];
    const planned = await bench.plan(nodes);
    claim({});
    expect(await bench.applyPlan(nodes, planned)).toMatchObject({ is: 'done', summary: { counts: { failed: 1 } } });
    expect(bench.events.find(({ type }) => type === 'node-settled')).toMatchObject({
      error: { code: 'PLAN_EXCEEDED' },
    });
    expect(bench.builder.built).toEqual([]);
  });

  it('is never taken for what was planned to be built', async () => {
    const nodes = [image('base', [])];
    claim({});
    const planned = await bench.plan(nodes);
    claim({ base: [] });
    expect(await bench.applyPlan(nodes, planned)).toMatchObject({ is: 'done', summary: { counts: { built: 1 } } });
  });
});

describe('a base that nobody has seen', () => {
  const base = image('base', []);
  const settled = async (nodes: readonly Node[]) => (await bench.run(nodes)).counts;

  it('is enough for what another system makes, now and in later plans', async () => {
    claim({ base: [] });
    hasBase();
    const parents: unknown[] = [];
    dss.onBuild = (_name, job) => Promise.resolve(void parents.push(job.parent));
    expect(await settled([base, delegated('env', 'base')])).toMatchObject({ adopted: 1, built: 1, failed: 0 });
    expect(await bench.efforts([base, delegated('env', 'base')])).toEqual({});
    expect(await settled([base, delegated('env', 'base', '2')])).toMatchObject({ kept: 1, built: 1, failed: 0 });
    expect(parents).toEqual(Array.from({ length: 2 }, () => ({ identity: identityOf('base'), at: [] })));
    expect(bench.builder.built).toEqual([]);
  });

  it('is built where another builder has to build on it', async () => {
    claim({ base: [] });
    const nodes = [base, image('env', ['base'])];
    expect(await bench.efforts(nodes)).toEqual({ base: 'build', env: 'build' });
    expect(await settled(nodes)).toMatchObject({ built: 2, failed: 0 });
    expect(bench.builder.built).toEqual(['base', 'env']);
    expect(bench.store.entries.get(base.id)?.record).toBeUndefined();
  });

  it('is built too for what was adopted on top of it, as long as that has to change', async () => {
    claim({ base: [], env: [] });
    const nodes = [base, image('env', ['base'])];
    expect(await settled(nodes)).toMatchObject({ adopted: 2, built: 0 });
    const changed = [base, image('env', ['base'], { content: '2' })];
    expect(await settled(changed)).toMatchObject({ built: 2, failed: 0 });
    expect(bench.builder.built).toEqual(['base', 'env']);
  });
});
