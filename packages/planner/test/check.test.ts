import { describe, expect, it } from 'vitest';
import { checkPlan, planDigest } from '../src/index.ts';
import { digest, id, image, publication, Scene } from './scene.ts';

function changed(): Scene {
  return new Scene(image('base'), image('env', ['base']), publication('pub', 'env'))
    .built()
    .change('base', { text: '2' });
}

describe('checkPlan', () => {
  it('accepts a plan in the world that it was made in, with nothing done', () => {
    const scene = changed();
    expect(checkPlan(scene.planned().plan, scene.nodes, scene.state())).toEqual({ ok: true, done: new Set() });
  });

  it('does not care about order, nor about what is for people', () => {
    const scene = changed();
    const { plan } = scene.planned();
    expect(
      checkPlan(
        plan,
        scene.nodes.toReversed().map((node) => ({ ...node, because: [] })),
        scene.state(),
      ).ok,
    ).toBe(true);
  });

  it('counts as done what the plan itself has written', () => {
    const scene = changed();
    const { plan } = scene.planned();
    scene.enter('base', digest('newer'), { plan: planDigest(plan) });
    expect(checkPlan(plan, scene.nodes, scene.state())).toEqual({ ok: true, done: new Set(['base']) });
  });

  it('refuses another declaration or another state, once for all nodes', () => {
    const scene = changed();
    const { plan } = scene.planned();
    const fewer = scene.nodes.filter(({ role }) => role === 'image');
    scene.enter('env', digest('newer'));
    scene.lineage = 'other';
    expect(checkPlan(plan, fewer, scene.state())).toEqual({
      ok: false,
      stale: [
        { node: null, why: 'it was made from another state' },
        { node: null, why: 'the declaration has changed since' },
      ],
    });
    scene.lineage = 'lineage-1';
    expect(checkPlan(plan, fewer, scene.state())).toMatchObject({ stale: [{ node: null }] });
  });

  it('refuses entries that somebody else has written, made or removed', () => {
    const scene = changed().declare(image('new')).declare(image('old')).enter('old', digest('old'));
    const { plan } = scene.planned();
    scene.enter('base', digest('newer')).enter('new', digest('new'));
    scene.entries.delete(id('old'));
    expect(checkPlan(plan, scene.nodes, scene.state())).toEqual({
      ok: false,
      stale: [
        { node: 'base', why: 'its entry has changed since (run run-1 at 2026-01-01T00:00:00.000Z)' },
        { node: 'new', why: 'it has got an entry since' },
        { node: 'old', why: 'its entry has been removed from the state since' },
      ],
    });
  });

  it.each([false, true])('takes a vanished node for done once its entry is gone (prune: %s)', (prune) => {
    const scene = changed().undeclare('pub');
    const { plan } = scene.planned({ prune });
    expect(checkPlan(plan, scene.nodes, scene.state())).toEqual({ ok: true, done: new Set() });
    scene.entries.delete(id('pub'));
    expect(checkPlan(plan, scene.nodes, scene.state())).toEqual({ ok: true, done: new Set(['pub']) });
  });

  it('lets an interrupted plan be applied again, down to nothing', () => {
    const scene = changed();
    const { plan } = scene.planned();
    const applied = planDigest(plan);
    for (const { node } of plan.actions) {
      expect(checkPlan(plan, scene.nodes, scene.state()).ok).toBe(true);
      scene.enter(node, digest('newer'), { plan: applied }).seeOther(node, digest('newer'));
    }
    expect(checkPlan(plan, scene.nodes, scene.state())).toEqual({ ok: true, done: new Set(['base', 'env', 'pub']) });
    expect(scene.lines()).toEqual([]);
  });
});
