import { describe, expect, it } from 'vitest';
import { digest, id, image, inEngine, inRegistry, publication, Scene } from './scene.ts';

/** Two envs on one base, each published. */
function twins(): Scene {
  return new Scene(
    image('base'),
    image('env/a', ['base']),
    image('env/b', ['base']),
    publication('pub/a', 'env/a'),
    publication('pub/b', 'env/b'),
  ).built();
}

describe('presence on demand', () => {
  it('plans nothing for a pruned base whose env images are all published', () => {
    expect(twins().see('base').lines()).toEqual([]);
    expect(twins().see('base').see('env/a').see('env/b').lines()).toEqual([]);
  });

  it('builds from a base that is in the engine', () => {
    const scene = twins().change('env/a', { text: '2' }).see('base', inEngine('base'));
    expect(scene.lines()).toEqual([
      'build env/a: INPUT_CHANGED env/a',
      'publish pub/a if env/a: PARENT_MAY_CHANGE env/a > pub/a',
    ]);
  });

  it('fetches a base that is in a registry only', () => {
    const scene = twins().change('env/a', { text: '2' }).see('base', inRegistry('base'));
    expect(scene.lines().slice(0, 2)).toEqual(['fetch base: OUTPUT_MISSING base', 'build env/a: INPUT_CHANGED env/a']);
    expect(scene.lines()).toHaveLength(3);
  });

  it('fetches a base that is in another engine and in a registry', () => {
    const scene = twins().change('env/a', { text: '2' }).see('base', inEngine('base', 'engine-2'), inRegistry('base'));
    expect(scene.lines()[0]).toBe('fetch base: OUTPUT_MISSING base');
  });

  it('asks the engine of the child, not of the parent', () => {
    const scene = twins()
      .builder('other', { engine: 'engine-2' })
      .declare(image('env/a', ['base'], { builder: 'other', inputs: { text: '2' } }));
    scene.see('base', inEngine('base'), inRegistry('base'));
    expect(scene.lines()[0]).toBe('fetch base: OUTPUT_MISSING base');
    scene.see('base', inEngine('base', 'engine-2'));
    expect(scene.lines()[0]).toBe('build env/a: INPUT_CHANGED env/a');
  });

  it('builds an absent base for a child that has to be built, and its other children only if it comes out different', () => {
    expect(twins().change('env/a', { text: '2' }).see('base').lines()).toEqual([
      'build base: OUTPUT_MISSING base',
      'build env/a: INPUT_CHANGED env/a',
      'build env/b if base: PARENT_MAY_CHANGE base > env/b',
      'publish pub/a if env/a: PARENT_MAY_CHANGE env/a > pub/a',
      'publish pub/b if env/b: PARENT_MAY_CHANGE base > env/b > pub/b',
    ]);
  });

  it('takes an image under the name that has another identity for absent', () => {
    const scene = twins().change('env/a', { text: '2' }).seeOther('base', digest('somebody else'));
    expect(scene.lines()[0]).toBe('build base: OUTPUT_MISSING base');
  });

  it('takes a node that was not looked at for absent', () => {
    const scene = twins().change('env/a', { text: '2' });
    scene.outputs.delete(id('base'));
    expect(scene.lines()[0]).toBe('build base: OUTPUT_MISSING base');
  });

  it('builds a whole absent chain for the child at its end', () => {
    const scene = new Scene(image('a'), image('b', ['a']), image('c', ['b']))
      .built()
      .see('a')
      .see('b')
      .change('c', { text: '2' });
    expect(scene.lines()).toEqual([
      'build a: OUTPUT_MISSING a',
      'build b: OUTPUT_MISSING b; PARENT_MAY_CHANGE a > b',
      'build c: INPUT_CHANGED c',
    ]);
  });

  it('demands only the first image parent: that is what is built from', () => {
    const scene = new Scene(image('from'), image('other'), image('env', ['from', 'other']))
      .built()
      .see('from')
      .see('other');
    expect(scene.change('env', { text: '2' }).lines()).toEqual([
      'build from: OUTPUT_MISSING from',
      'build env: INPUT_CHANGED env',
    ]);
  });
});

describe('conditional demand', () => {
  /** env stands on base and takes something from tool; tool may change. */
  function tooled(): Scene {
    return new Scene(image('base'), image('tool'), image('env', ['base', 'tool']), publication('pub', 'env'))
      .built()
      .change('tool', { text: '2' });
  }

  it('fetches the base only if the tool changes', () => {
    expect(tooled().see('base', inRegistry('base')).lines()).toEqual([
      'fetch base if tool: OUTPUT_MISSING base',
      'build tool: INPUT_CHANGED tool',
      'build env if tool: PARENT_MAY_CHANGE tool > env',
      'publish pub if env: PARENT_MAY_CHANGE tool > env > pub',
    ]);
  });

  it('builds the absent base only if the tool changes; the env then waits for both', () => {
    const scene = tooled().see('base');
    expect(scene.lines()).toEqual([
      'build base if tool: OUTPUT_MISSING base',
      'build tool: INPUT_CHANGED tool',
      'build env if base, tool: PARENT_MAY_CHANGE base > env; PARENT_MAY_CHANGE tool > env',
      'publish pub if env: PARENT_MAY_CHANGE base > env > pub; PARENT_MAY_CHANGE tool > env > pub',
    ]);
    // `tool` comes later in the list: it decides about `base` by the demand that reaches it, not by being waited for.
    expect(scene.planned().plan.actions[0]?.after).toEqual([]);
  });

  it('waits for a condition that comes earlier in the list', () => {
    const scene = new Scene(image('a-tool'), image('base'), image('env', ['base', 'a-tool'])).built();
    scene.change('a-tool', { text: '2' }).see('base', inRegistry('base'));
    expect(scene.planned().plan.actions[1]).toMatchObject({ node: 'base', ifChanged: ['a-tool'], after: ['a-tool'] });
  });

  it('is unconditional once one demand is', () => {
    const scene = tooled()
      .declare(image('other', ['base']))
      .enter('other', digest('other'))
      .change('other', { text: '2' });
    expect(scene.see('base').lines()[0]).toBe('build base: OUTPUT_MISSING base');
    expect(scene.see('base', inRegistry('base')).lines()[0]).toBe('fetch base: OUTPUT_MISSING base');
  });

  it('joins the conditions of several demands', () => {
    const scene = tooled()
      .declare(image('tool2'))
      .declare(image('env2', ['base', 'tool2']))
      .built();
    scene.change('tool', { text: '3' }).change('tool2', { text: '2' }).see('base', inRegistry('base'));
    expect(scene.lines()[0]).toBe('fetch base if tool, tool2: OUTPUT_MISSING base');
  });

  it('does not demand a parent under the condition that this parent changes: then it has just been built', () => {
    const scene = new Scene(image('root'), image('base', ['root']), image('env', ['base'])).built();
    scene.change('root', { text: '2' }).see('base', inRegistry('base'));
    expect(scene.lines()).toEqual([
      'build root: INPUT_CHANGED root',
      'build base if root: PARENT_MAY_CHANGE root > base',
      'build env if base: PARENT_MAY_CHANGE root > base > env',
    ]);
  });

  it('joins the condition of a change with that of a demand', () => {
    const scene = new Scene(
      image('root'),
      image('base', ['root']),
      image('tool'),
      image('env', ['base', 'tool']),
    ).built();
    scene.change('root', { text: '2' }).change('tool', { text: '2' });
    expect(scene.see('base', inRegistry('base')).lines().slice(1, 2)).toEqual([
      'build base if root, tool: OUTPUT_MISSING base; PARENT_MAY_CHANGE root > base',
    ]);
    expect(scene.see('base').lines()[1]).toBe(
      'build base if root, tool: OUTPUT_MISSING base; PARENT_MAY_CHANGE root > base',
    );
  });

  it('widens to unconditional where there are more conditions than anybody reads', () => {
    const many = (count: number): Scene => {
      const tools = Array.from({ length: count }, (_, at) => `tool/${at}`);
      const scene = new Scene(
        image('base'),
        ...tools.flatMap((tool) => [image(tool), image(`env/${tool}`, ['base', tool])]),
      ).built();
      for (const tool of tools) scene.change(tool, { text: '2' });
      return scene.see('base', inRegistry('base'));
    };
    expect(many(64).planned().plan.actions[0]?.ifChanged).toHaveLength(64);
    expect(many(65).planned().plan.actions[0]).toMatchObject({ node: 'base', atMost: 'fetch', ifChanged: [] });
  });

  it('never widens for parents alone', () => {
    const tools = Array.from({ length: 80 }, (_, at) => `tool/${at}`);
    const scene = new Scene(...tools.map((tool) => image(tool)), image('env', tools)).built();
    for (const tool of tools) scene.change(tool, { text: '2' });
    expect(scene.planned().plan.actions.at(-1)?.ifChanged).toHaveLength(80);
  });
});

describe('presence for publications', () => {
  function published(registry: string | null): Scene {
    return new Scene(image('env'), publication('pub', 'env', { registry })).built().see('pub');
  }

  it('copies from any registry, or pushes from the engine of the builder', () => {
    expect(published('r.test').see('env', inRegistry('elsewhere')).lines()).toEqual([
      'publish pub: OUTPUT_MISSING pub',
    ]);
    expect(published('r.test').see('env', inEngine('env')).lines()).toEqual(['publish pub: OUTPUT_MISSING pub']);
  });

  it('builds an image that is nowhere, or only in an engine of somebody else', () => {
    expect(published('r.test').see('env').lines()).toEqual([
      'build env: OUTPUT_MISSING env',
      'publish pub: OUTPUT_MISSING pub',
    ]);
    expect(published('r.test').see('env', inEngine('env', 'engine-2')).lines()[0]).toBe(
      'build env: OUTPUT_MISSING env',
    );
  });

  it('needs it in the engine for a publication into the engine itself', () => {
    expect(published(null).see('env', inEngine('env')).lines()).toEqual(['publish pub: OUTPUT_MISSING pub']);
    expect(published(null).see('env', inRegistry('env')).lines()).toEqual([
      'fetch env: OUTPUT_MISSING env',
      'publish pub: OUTPUT_MISSING pub',
    ]);
  });

  it('copies between registries without its builder', () => {
    const scene = published('r.test').see('env', inRegistry('elsewhere'));
    scene.builders.clear();
    expect(scene.planned().blockers).toEqual([]);
  });

  it('cannot push from an engine whose builder does not answer', () => {
    const scene = published('r.test').see('env', inEngine('env'));
    scene.builders.clear();
    const { blockers, blocked } = scene.planned();
    expect(blockers).toMatchObject([{ node: 'env', code: 'BUILDER_UNKNOWN' }]);
    expect([...blocked]).toEqual([
      ['env', 'env'],
      ['pub', 'env'],
    ]);
  });
});
