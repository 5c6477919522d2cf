import type { Plan } from '@rebake/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePlan, planDigest, planJsonSchema, serializePlan } from '../src/index.ts';
import { digest, external, id, image, inEngine, publication, Scene } from './scene.ts';

/** A plan with every kind of cause that one plan can hold. */
function richPlan(): Plan {
  const scene = new Scene(
    external('external/x'),
    image('base', ['external/x'], { inputs: { a: '1', b: '1' } }),
    image('env', ['base']),
    image('forced'),
    image('old', ['forced']),
    publication('pub/a', 'forced'),
    publication('pub/env', 'env'),
  ).built();
  scene.seeOther('external/x', digest('moved')).seeOther('pub/a', digest('moved'));
  scene.change('base', { a: '2', c: '1' }).declare(image('new'));
  scene.enter('old', digest('old'), { contents: 'other@1' }).see('env').see('pub/env');
  scene.declare(image('gone')).enter('gone', digest('gone')).undeclare('gone');
  scene.enter('forced', digest('newer'));
  scene.declare(image('claimed')).candidate('claimed', digest('claimed'), []).claim('claimed');
  return scene.planned({ force: [id('forced')] }).plan;
}

describe('serializePlan', () => {
  it('writes canonical JSON, the same bytes for the same input', () => {
    const text = serializePlan(richPlan());
    expect(text).toBe(serializePlan(richPlan()));
    expect(text.endsWith('}\n')).toBe(true);
    expect(text.split('\n')).toHaveLength(2);
    expect(text).not.toContain('2026-');
    const keys = Object.keys(JSON.parse(text) as object);
    expect(keys).toEqual(keys.toSorted());
  });

  it('gives the bytes that this repository has always given', () => {
    const plan = new Scene(image('base')).planned().plan;
    expect(serializePlan(plan)).toBe(
      '{"actions":[{"after":[],"atMost":"build","entry":null,"ifChanged":[],"node":"base","reasons":[{"cause":{"because":[{"column":5,"file":"rebake.yaml","line":3,"path":"codeEnvs.glm"}],"code":"NEVER_BUILT"},"path":["base"]}]}],"externals":{},"formatVersion":1,"graph":"sha256:GRAPH","lineage":"lineage-1","refreshed":true}\n'.replace(
        'sha256:GRAPH',
        plan.graph,
      ),
    );
  });

  it('gives a digest of it', () => {
    expect(planDigest(richPlan())).toBe(planDigest(richPlan()));
    expect(planDigest(richPlan())).not.toBe(planDigest({ ...richPlan(), lineage: 'other' }));
  });
});

describe('parsePlan', () => {
  it('reads what was written', async () => {
    const plan = richPlan();
    const codes = new Set(plan.actions.flatMap(({ reasons }) => reasons.map(({ cause }) => cause.code)));
    expect([...codes].toSorted()).toEqual([
      'CONTENTS_CHANGED',
      'EXTERNAL_MOVED',
      'FORCED',
      'INPUT_ADDED',
      'INPUT_CHANGED',
      'INPUT_REMOVED',
      'NEVER_BUILT',
      'OUTPUT_MISSING',
      'PARENT_CHANGED',
      'PARENT_MAY_CHANGE',
      'TAG_MOVED',
      'UNDECLARED',
    ]);
    expect(plan.actions.find(({ node }) => node === 'claimed')?.claim?.note).toBe('somebody made claimed');
    expect(await parsePlan(serializePlan(plan))).toEqual({ ok: true, plan });
    const read = await parsePlan(JSON.stringify(plan, null, 2));
    expect(read.ok && serializePlan(read.plan)).toBe(serializePlan(plan));
  });

  it('reads locations in engines and registries', async () => {
    const plan = { ...richPlan(), externals: { [id('external/x')]: { identity: digest('x'), at: [inEngine('x')] } } };
    expect(await parsePlan(serializePlan(plan))).toEqual({ ok: true, plan });
  });

  /** The error for a plan with one thing changed. */
  async function error(change: (plan: ReturnType<typeof mutable>) => unknown): Promise<string> {
    const plan = mutable();
    const changed = change(plan);
    const read = await parsePlan(JSON.stringify(changed === undefined ? plan : changed));
    return read.ok ? 'accepted' : read.error;
  }

  function mutable(): {
    [key: string]: unknown;
    actions: Record<string, unknown>[];
    externals: Record<string, unknown>;
  } {
    return JSON.parse(serializePlan(new Scene(image('a'), image('b', ['a'])).planned().plan));
  }

  it('says what is wrong, and where', async () => {
    expect(await parsePlan('')).toMatchObject({ ok: false, error: expect.stringMatching(/^it is not JSON: /) });
    expect(await parsePlan('{"a":')).toMatchObject({ ok: false });
    expect(await error(() => [])).toMatch(/^plan: /);
    expect(await error(() => null)).toMatch(/^plan: /);
    expect(await error((plan) => void (plan['formatVersion'] = 2))).toMatch(/^formatVersion: /);
    expect(await error((plan) => void (plan['graph'] = 'sha256:abc'))).toMatch(/^graph: /);
    expect(await error((plan) => void (plan['graph'] = `sha256:${'0'.repeat(64)}\n`))).toMatch(/^graph: /);
    expect(await error((plan) => void (plan['lineage'] = ''))).toMatch(/^lineage: /);
    expect(await error((plan) => void (plan['refreshed'] = 'yes'))).toMatch(/^refreshed: /);
    expect(await error((plan) => void (plan['surplus'] = 1))).toContain('surplus');
    expect(await error((plan) => void (plan.actions[0]!['surplus'] = 1))).toMatch(/^actions\.0: /);
    expect(await error((plan) => void (plan.actions[0]!['atMost'] = 'destroy'))).toMatch(/^actions\.0\.atMost: /);
    expect(await error((plan) => void (plan.actions[0]!['entry'] = 0))).toMatch(/^actions\.0\.entry: /);
    expect(await error((plan) => void (plan.actions[0]!['entry'] = 1.5))).toMatch(/^actions\.0\.entry: /);
    expect(await error((plan) => void (plan.actions[0]!['node'] = ''))).toMatch(/^actions\.0\.node: /);
    expect(await error((plan) => void (plan.actions[0]!['node'] = 'a\u001b[2J'))).toMatch(/^actions\.0\.node: /);
    expect(await error((plan) => void (plan.actions[0]!['node'] = 'a'.repeat(1025)))).toMatch(/^actions\.0\.node: /);
    expect(
      await error((plan) => void (plan.actions[0]!['reasons'] = [{ cause: { code: 'WHIM' }, path: ['a'] }])),
    ).toMatch(/^actions\.0\.reasons\.0\.cause\.code: /);
    expect(
      await error((plan) => void (plan.actions[0]!['reasons'] = [{ cause: { code: 'FORCED' }, path: [] }])),
    ).toMatch(/^actions\.0\.reasons\.0\.path: /);
    expect(
      await error((plan) => void (plan.externals = { x: { identity: digest('x'), at: [{ engine: 'e' }] } })),
    ).toMatch(/^externals\.x\.at\.0: /);
  });

  it('tells at most three problems', async () => {
    const message = await error(() => ({}));
    expect(message.split('; ')).toHaveLength(3);
  });

  it('refuses what no plan can say', async () => {
    expect(await error((plan) => void plan.actions.push(plan.actions[0]!))).toBe('actions.2: a is named twice');
    expect(await error((plan) => void plan.actions.reverse())).toBe('actions.0: b waits for a, which is not before it');
    expect(await error((plan) => void (plan.actions[0]!['after'] = ['a']))).toBe(
      'actions.0: a waits for a, which is not before it',
    );
    expect(await error((plan) => void (plan.actions[1]!['reasons'] = plan.actions[0]!['reasons']))).toBe(
      'actions.1: a reason of b is for another node',
    );
  });

  it('does not let names of the language through', async () => {
    const text = serializePlan(new Scene(image('a')).planned().plan);
    const output = JSON.stringify({ identity: digest('x'), at: [] });
    const hostile = await parsePlan(text.replace('"externals":{}', `"externals":{"__proto__":${output}}`));
    expect(hostile).toEqual({ ok: false, error: 'it has members that no plan has' });
    expect(Object.prototype).not.toHaveProperty('identity');
  });

  it('never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
        expect((await parsePlan(text)).ok).toBe(false);
      }),
    );
    expect((await parsePlan('['.repeat(200_000))).ok).toBe(false);
    expect((await parsePlan(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)).ok).toBe(false);
  });

  it('refuses a text of more than 256 Mi without parsing it', async () => {
    expect(await parsePlan(' '.repeat(256 * 1024 * 1024 + 1))).toEqual({
      ok: false,
      error: 'it is too long for a plan',
    });
  });
});

describe('planJsonSchema', () => {
  it('is strict and complete', async () => {
    const schema = await planJsonSchema();
    expect(schema).toMatchObject({ title: 'Plan of rebake', type: 'object', additionalProperties: false });
    expect(Object.keys(schema['properties'] as object).toSorted()).toEqual([
      'actions',
      'externals',
      'formatVersion',
      'graph',
      'lineage',
      'refreshed',
    ]);
    expect(schema['required']).toHaveLength(6);
    expect(JSON.stringify(schema)).toContain('PARENT_MAY_CHANGE');
    expect(await planJsonSchema()).toEqual(schema);
  });
});
