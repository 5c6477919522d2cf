import { describe, expect, it } from 'vitest';
import { remainingMs } from '../src/index.ts';
import { digest, external, id, image, inRegistry, publication, Scene } from './scene.ts';

function times(scene: Scene, wish: Parameters<Scene['planned']>[0] = {}): Readonly<Record<string, number>> {
  return Object.fromEntries(remainingMs(scene.planned(wish).plan, scene.nodes, scene.state()));
}

function fleet(): Scene {
  return new Scene(
    external('external/x'),
    image('base', ['external/x'], { kind: 'base image' }),
    image('env/a', ['base'], { kind: 'env image' }),
    image('env/b', ['base'], { kind: 'env image' }),
    image('env/c', ['base'], { kind: 'env image' }),
    publication('pub/a', 'env/a'),
    publication('pub/b', 'env/b'),
  );
}

describe('remainingMs', () => {
  it('goes by defaults where nothing was ever measured', () => {
    const scene = fleet().see('external/x', inRegistry('x'));
    expect(times(scene)).toEqual({
      'external/x': 125_000,
      base: 125_000,
      'env/a': 65_000,
      'env/b': 65_000,
      'env/c': 60_000,
      'pub/a': 5_000,
      'pub/b': 5_000,
    });
  });

  it('goes by what each node took last time, else by the median of its kind', () => {
    const scene = fleet().built().change('base', { text: '2' });
    scene.enter('env/a', scene.identity('env/a'), { ms: 100 }).enter('env/b', scene.identity('env/b'), { ms: 900 });
    scene.enter('pub/a', scene.identity('env/a'), { ms: 7 });
    expect(times(scene)).toEqual({
      'external/x': 60_907,
      base: 60_907,
      'env/a': 107,
      'env/b': 907,
      'env/c': 900,
      'pub/a': 7,
      'pub/b': 7,
    });
  });

  it('takes the middle one of an odd number', () => {
    const scene = fleet().built();
    for (const [at, name] of ['env/a', 'env/b', 'env/c'].entries())
      scene.enter(name, scene.identity(name), { ms: [500, 20, 100][at]! });
    scene.declare(image('env/d', ['base'], { kind: 'env image' }));
    expect(times(scene)['env/d']).toBe(100);
  });

  it('counts nothing for what is kept, adopted, forgotten or deleted', () => {
    const scene = fleet().built().undeclare('pub/b').change('env/b', { text: '2' });
    scene.candidate('env/b', digest('found'), [scene.identity('base')], inRegistry('b'));
    const none = { 'external/x': 0, base: 0, 'env/a': 0, 'env/b': 0, 'env/c': 0, 'pub/a': 0, 'pub/b': 0 };
    expect(times(scene)).toEqual(none);
    expect(times(scene, { prune: true })).toEqual(none);
  });

  it('counts a fetch like a publication', () => {
    const scene = fleet().built().see('base', inRegistry('base')).change('env/c', { text: '2' });
    scene.enter('base', scene.identity('base'), { ms: 99_999 });
    expect(times(scene)).toMatchObject({ base: 65_000, 'env/c': 60_000 });
  });

  it('goes through nodes that are kept, and leaves out what is not in the plan', () => {
    const scene = fleet().built().see('pub/a');
    expect(times(scene)).toMatchObject({ base: 5_000, 'env/a': 5_000, 'pub/a': 5_000, 'pub/b': 0 });
    expect(times(scene, { only: [id('external/x'), id('base')] })).toEqual({ 'external/x': 0, base: 0 });
  });
});
