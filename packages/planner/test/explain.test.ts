import { describe, expect, it } from 'vitest';
import { explain, type Explanation } from '../src/index.ts';
import type { Failure, Wish } from '@rebake/sdk';
import { digest, external, id, image, inEngine, NO_ANSWER, publication, Scene } from './scene.ts';

function fleet(): Scene {
  return new Scene(
    external('external/x'),
    image('base', ['external/x'], { inputs: { kit: '1', 'a/file': '2' } }),
    image('env', ['base']),
    publication('pub', 'env'),
  ).built();
}

function why(scene: Scene, name: string, wish: Partial<Wish> = {}, failures = new Map<never, Failure>()): Explanation {
  return explain(scene.node(name), scene.planned(wish), { ...scene.state(), failures }, scene.world());
}

describe('explain', () => {
  it('shows of a fresh node that everything equals its entry', () => {
    const scene = fleet();
    expect(why(scene, 'base')).toEqual({
      node: 'base',
      verdict: 'fresh',
      entry: scene.entries.get(id('base')),
      failure: null,
      inputs: [
        { key: 'a/file', digest: digest('2'), shown: '2' },
        { key: 'kit', digest: digest('1'), shown: '1' },
      ],
      contents: 'dockerfile@1',
      parents: [{ node: 'external/x', identity: scene.identity('external/x') }],
      seen: scene.outputs.get(id('base')),
    });
  });

  it('says when a fresh node was not seen, which is no reason to build it', () => {
    const scene = fleet();
    scene.outputs.delete(id('base'));
    expect(why(scene, 'base')).toMatchObject({ verdict: 'fresh', seen: { seen: 'no' } });
  });

  it('leaves out texts that an input does not have', () => {
    const scene = fleet().declare({ ...image('base', ['external/x']), inputs: { kit: { digest: digest('1') } } });
    scene.enter('base', scene.identity('base'));
    expect(why(scene, 'base')).toMatchObject({ inputs: [{ key: 'kit', digest: digest('1') }] });
    expect(JSON.stringify(why(scene, 'base'))).not.toContain('"shown"');
  });

  it('gives the action of a stale node, with the reasons of where it arose', () => {
    const scene = fleet().change('base', { kit: '2', 'a/file': '2' });
    const explanation = why(scene, 'pub');
    expect(explanation).toMatchObject({
      verdict: 'planned',
      action: { node: 'pub', atMost: 'publish', ifChanged: ['env'] },
      failure: null,
    });
    expect(explanation.verdict === 'planned' && [...explanation.origins]).toEqual([
      [
        'base',
        [
          {
            cause: {
              code: 'INPUT_CHANGED',
              key: 'kit',
              from: { digest: digest('1'), shown: '1' },
              to: { digest: digest('2'), shown: '2' },
            },
            path: ['base'],
          },
        ],
      ],
    ]);
  });

  it('names no origin but other nodes that have reasons', () => {
    const own = why(fleet().change('base', { kit: '2' }), 'base');
    expect(own).toMatchObject({ verdict: 'planned', action: { atMost: 'build' } });
    expect(own.verdict === 'planned' && own.origins.size).toBe(0);
  });

  it('tells the failure since the last success', () => {
    const scene = fleet();
    const failure: Failure = { error: NO_ANSWER, at: '2026-01-02T00:00:00.000Z', run: 'run-2' };
    expect(why(scene, 'env', {}, new Map([[id('env') as never, failure]]))).toMatchObject({ failure });
  });

  it('says who blocks a node, and why', () => {
    const scene = fleet().seeUnknown('external/x');
    expect(why(scene, 'pub')).toEqual({
      node: 'pub',
      verdict: 'blocked',
      entry: scene.entries.get(id('pub')),
      failure: null,
      blocker: 'external/x',
      why: NO_ANSWER,
    });
    const planned = { ...scene.planned(), blockers: [] };
    expect(explain(scene.node('pub'), planned, scene.state(), scene.world())).toMatchObject({
      verdict: 'blocked',
      why: null,
    });
  });

  it('says when the plan was made without the node', () => {
    expect(why(fleet(), 'env', { only: [id('external/x')] })).toMatchObject({ verdict: 'unplanned', node: 'env' });
  });

  it('has no entry to show for a new node', () => {
    const scene = fleet().declare(image('new'));
    scene.candidate('new', digest('found'), [], inEngine('new'));
    expect(why(scene, 'new')).toMatchObject({ verdict: 'planned', entry: null, action: { atMost: 'adopt' } });
  });
});
