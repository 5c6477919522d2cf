import { describe, expect, it } from 'vitest';
import { digest, external, id, image, inEngine, inRegistry, publication, Scene, SOMEWHERE } from './scene.ts';

/** external → base → env → publication, and the base's own publication. */
function fleet(): Scene {
  return new Scene(
    external('external/debian'),
    image('base', ['external/debian'], { inputs: { kit: '1' } }),
    image('env', ['base'], { inputs: { packages: '1' } }),
    publication('pub/base', 'base'),
    publication('pub/env', 'env'),
  );
}

/** Two envs on one base, each published. */
function twins(): Scene {
  return new Scene(
    image('base'),
    image('env/a', ['base']),
    image('env/b', ['base']),
    publication('pub/a', 'env/a'),
    publication('pub/b', 'env/b'),
  );
}

describe('images by the ledger', () => {
  it('keeps everything in an unchanged world, and says which entries it read', () => {
    const { plan, blockers, blocked } = fleet().built().planned();
    expect(plan.actions.map(({ node, atMost, entry }) => [node, atMost, entry])).toEqual([
      ['external/debian', 'keep', 1],
      ['base', 'keep', 1],
      ['env', 'keep', 1],
      ['pub/base', 'keep', 1],
      ['pub/env', 'keep', 1],
    ]);
    for (const { ifChanged, reasons, after } of plan.actions) expect([ifChanged, reasons, after]).toEqual([[], [], []]);
    expect(blockers).toEqual([]);
    expect(blocked.size).toBe(0);
  });

  it('builds what was never built, unconditionally, parents first', () => {
    const { plan } = fleet().see('external/debian', inRegistry('debian')).planned();
    expect(plan.actions.map(({ node, atMost, after }) => [node, atMost, after])).toEqual([
      ['external/debian', 'adopt', []],
      ['base', 'build', ['external/debian']],
      ['env', 'build', ['base']],
      ['pub/base', 'publish', ['base']],
      ['pub/env', 'publish', ['env']],
    ]);
    for (const { node, reasons, entry, ifChanged } of plan.actions) {
      expect(reasons).toEqual([{ cause: { code: 'NEVER_BUILT', because: [SOMEWHERE] }, path: [node] }]);
      expect(entry).toBe(null);
      expect(ifChanged).toEqual([]);
    }
  });

  it('builds a changed image unconditionally and all below it only if it comes out different', () => {
    expect(fleet().built().change('base', { kit: '2' }).lines()).toEqual([
      'build base: INPUT_CHANGED base',
      'build env if base: PARENT_MAY_CHANGE base > env',
      'publish pub/base if base: PARENT_MAY_CHANGE base > pub/base',
      'publish pub/env if env: PARENT_MAY_CHANGE base > env > pub/env',
    ]);
  });

  it('builds unconditionally what has a cause of its own below a changing parent', () => {
    expect(fleet().built().change('base', { kit: '2' }).change('env', { packages: '2' }).lines()).toEqual([
      'build base: INPUT_CHANGED base',
      'build env: INPUT_CHANGED env',
      'publish pub/base if base: PARENT_MAY_CHANGE base > pub/base',
      'publish pub/env if env: PARENT_MAY_CHANGE env > pub/env',
    ]);
  });

  it('builds unconditionally below a parent that was built since', () => {
    const scene = fleet().built();
    scene.enter('base', digest('newer')).seeOther('base', digest('newer'));
    expect(scene.lines()).toEqual([
      'fetch base: OUTPUT_MISSING base',
      'build env: PARENT_CHANGED base > env',
      'publish pub/base: PARENT_CHANGED base > pub/base',
      'publish pub/env if env: PARENT_MAY_CHANGE env > pub/env',
    ]);
  });

  it('builds below a moved external and records where it moved to', () => {
    const scene = fleet().built().seeOther('external/debian', digest('moved'));
    const { plan } = scene.planned();
    expect(scene.lines().slice(0, 3)).toEqual([
      'adopt external/debian: EXTERNAL_MOVED external/debian',
      'build base: EXTERNAL_MOVED external/debian > base',
      'build env if base: PARENT_MAY_CHANGE external/debian > base > env',
    ]);
    expect(plan.externals[id('external/debian')]?.identity).toBe(digest('moved'));
    expect(plan.actions[0]?.reasons[0]?.cause).toEqual({
      code: 'EXTERNAL_MOVED',
      parent: 'external/debian',
      from: digest('identity of external/debian'),
      to: digest('moved'),
    });
  });

  it('builds for another contents class of the builder', () => {
    const scene = twins().built().builder('docker', { contents: 'dockerfile@2' });
    expect(scene.planned().plan.actions[0]?.reasons[0]?.cause).toEqual({
      code: 'CONTENTS_CHANGED',
      from: 'dockerfile@1',
      to: 'dockerfile@2',
    });
    expect(scene.lines()).toHaveLength(5);
  });

  it('judges by the parents as they were recorded, whoever of them is going to be built', () => {
    const scene = fleet().built();
    scene.enter('base', digest('newer')).change('base', { kit: '2' });
    expect(scene.lines()[1]).toBe('build env: PARENT_CHANGED base > env');
  });

  it('waits for a parent without an entry: it may come out as it was', () => {
    const scene = fleet().built();
    scene.entries.delete(id('base'));
    expect(scene.lines().slice(0, 2)).toEqual([
      'build base: NEVER_BUILT base',
      'build env if base: PARENT_MAY_CHANGE base > env',
    ]);
  });
});

describe('adoption', () => {
  it('adopts a candidate of the same key, and goes on with its identity', () => {
    const scene = fleet().built().change('base', { kit: '2' });
    scene.candidate('base', digest('found'), [scene.identity('external/debian')], inEngine('base'));
    expect(scene.lines()).toEqual([
      'adopt base: INPUT_CHANGED base',
      'build env: PARENT_CHANGED base > env',
      'publish pub/base: PARENT_CHANGED base > pub/base',
      'publish pub/env if env: PARENT_MAY_CHANGE base > env > pub/env',
    ]);
  });

  it('keeps what stands on an adopted image of the same identity', () => {
    const scene = fleet().built().change('base', { kit: '2' });
    scene.candidate('base', scene.identity('base'), [scene.identity('external/debian')], inEngine('base'));
    expect(scene.lines()).toEqual(['adopt base: INPUT_CHANGED base']);
  });

  it('adopts everything from the registry on a fresh machine with an empty state', () => {
    const scene = fleet().built();
    const [debian, base] = [scene.identity('external/debian'), scene.identity('base')];
    scene.entries.clear();
    scene
      .candidate('base', base, [debian], inRegistry('base'))
      .candidate('env', scene.identity('env'), [base], inRegistry('env'));
    expect(scene.planned().plan.actions.map(({ node, atMost }) => `${atMost} ${node}`)).toEqual([
      'adopt external/debian',
      'adopt base',
      'adopt env',
      'adopt pub/base',
      'adopt pub/env',
    ]);
  });

  it('ignores a candidate of another key', () => {
    const scene = fleet().built().change('base', { kit: '2' });
    scene.candidate('base', digest('found'), [digest('another debian')], inEngine('base'));
    expect(scene.lines()[0]).toBe('build base: INPUT_CHANGED base');
  });

  it('ignores a candidate while a parent may still change', () => {
    const scene = fleet().built().change('base', { kit: '2' }).change('env', { packages: '2' });
    scene.candidate('env', digest('found'), [scene.identity('base')], inEngine('env'));
    expect(scene.lines()[1]).toBe('build env: INPUT_CHANGED env');
  });

  it('ignores a candidate below a parent that has no identity yet', () => {
    const scene = fleet().built().change('env', { packages: '2' });
    scene.candidate('env', digest('found'), [scene.identity('base')], inEngine('env'));
    scene.entries.delete(id('base'));
    expect(scene.lines()[1]).toBe('build env: INPUT_CHANGED env');
  });

  it('ignores a candidate of a builder that did not answer', () => {
    const scene = fleet().built().change('env', { packages: '2' });
    scene.candidate('env', digest('found'), [scene.identity('base')], inEngine('env'));
    scene.builders.delete('docker');
    expect(scene.planned().blockers.map(({ node, code }) => [node, code])).toEqual([['env', 'BUILDER_UNKNOWN']]);
  });

  it('builds instead when a parent opens after all, because another child has to be built from it', () => {
    const scene = twins().built().change('env/a', { text: '2' }).change('env/b', { text: '2' }).see('base');
    scene.candidate('env/a', digest('found'), [scene.identity('base')], inEngine('env/a'));
    expect(scene.lines()).toEqual([
      'build base: OUTPUT_MISSING base',
      'build env/a: INPUT_CHANGED env/a',
      'build env/b: INPUT_CHANGED env/b',
      'publish pub/a: PARENT_CHANGED env/a > pub/a',
      'publish pub/b if env/b: PARENT_MAY_CHANGE env/b > pub/b',
    ]);
  });

  it('fetches an adopted image that a child needs in its engine', () => {
    const scene = fleet().built().change('base', { kit: '2' });
    scene.candidate('base', digest('found'), [scene.identity('external/debian')], inRegistry('base'));
    expect(scene.lines()[0]).toBe('fetch base: INPUT_CHANGED base; OUTPUT_MISSING base');
  });

  it('builds an adoptable image that turns out to be nowhere', () => {
    const scene = fleet().built().change('base', { kit: '2' });
    scene.candidate('base', digest('found'), [scene.identity('external/debian')]);
    expect(scene.lines()[0]).toBe('build base: INPUT_CHANGED base; OUTPUT_MISSING base');
    expect(scene.planned().plan.actions[1]?.ifChanged).toEqual([]);
  });
});

describe('force', () => {
  it('builds a forced image that is fresh, and does not adopt', () => {
    const scene = fleet().built();
    scene.candidate('base', scene.identity('base'), [scene.identity('external/debian')], inEngine('base'));
    expect(scene.lines({ force: [id('base')] })).toEqual([
      'build base: FORCED base',
      'build env if base: PARENT_MAY_CHANGE base > env',
      'publish pub/base if base: PARENT_MAY_CHANGE base > pub/base',
      'publish pub/env if env: PARENT_MAY_CHANGE base > env > pub/env',
    ]);
  });

  it('names the ledger next to force', () => {
    const scene = fleet().built().change('base', { kit: '2' });
    scene.candidate('base', digest('found'), [scene.identity('external/debian')], inEngine('base'));
    expect(scene.lines({ force: [id('base')] })[0]).toBe('build base: FORCED base; INPUT_CHANGED base');
  });

  it('forces an image that was never built', () => {
    const scene = new Scene(image('base'));
    expect(scene.lines({ force: [id('base')] })).toEqual(['build base: FORCED base; NEVER_BUILT base']);
  });

  it('publishes a forced publication again', () => {
    expect(
      fleet()
        .built()
        .lines({ force: [id('pub/env')] }),
    ).toEqual(['publish pub/env: FORCED pub/env']);
  });

  it('throws for a forced node that does not exist: names are resolved before', () => {
    expect(() =>
      fleet()
        .built()
        .planned({ force: [id('nobody')] }),
    ).toThrow('unknown node nobody');
  });
});

describe('vanished nodes', () => {
  it('are forgotten last, sorted, or deleted on demand', () => {
    const scene = fleet().built().undeclare('pub/env').undeclare('env').change('base', { kit: '2' });
    expect(scene.lines().slice(-2)).toEqual(['forget env: UNDECLARED env', 'forget pub/env: UNDECLARED pub/env']);
    expect(scene.lines({ prune: true }).slice(-2)).toEqual([
      'delete env: UNDECLARED env',
      'delete pub/env: UNDECLARED pub/env',
    ]);
    expect(scene.lines({ prune: false }).at(-1)).toBe('forget pub/env: UNDECLARED pub/env');
    expect(scene.planned().plan.actions.at(-1)).toMatchObject({ entry: 1, after: [], ifChanged: [] });
  });

  it('are left alone where only some nodes are planned', () => {
    const scene = fleet().built().undeclare('pub/env').undeclare('env');
    expect(scene.planned({ only: [id('external/debian'), id('base')] }).plan.actions.map(({ node }) => node)).toEqual([
      'external/debian',
      'base',
    ]);
  });
});

describe('a part of the graph', () => {
  it('plans only the wish, and demands nothing for the rest', () => {
    const scene = fleet().built().change('env', { packages: '2' }).see('base').change('base', { kit: '1' });
    expect(scene.lines({ only: [id('external/debian'), id('base'), id('pub/base')] })).toEqual([]);
    expect(scene.lines()).toContain('build base: OUTPUT_MISSING base');
  });

  it('does not open what is outside of the wish', () => {
    const scene = fleet().built().change('base', { kit: '2' });
    expect(scene.lines({ only: [id('external/debian'), id('base')] })).toEqual(['build base: INPUT_CHANGED base']);
  });

  it('throws for a wish that lacks an ancestor, or names nobody', () => {
    const scene = fleet().built();
    expect(() => scene.planned({ only: [id('env')] })).toThrow('env without its parent base');
    expect(() => scene.planned({ only: [id('nobody')] })).toThrow('unknown node nobody');
  });
});

describe('the plan as data', () => {
  it('holds the lineage, whether the world was looked at, and externals', () => {
    const scene = fleet().built();
    expect(scene.planned().plan).toMatchObject({ formatVersion: 1, lineage: 'lineage-1', refreshed: true });
    scene.refreshed = false;
    scene.lineage = 'lineage-2';
    const { plan } = scene.planned();
    expect(plan).toMatchObject({ lineage: 'lineage-2', refreshed: false });
    expect(plan.externals).toEqual({
      'external/debian': { identity: scene.identity('external/debian'), at: [inRegistry('external/debian')] },
    });
  });

  it('lists in `after` only what has an action and comes earlier', () => {
    const scene = twins().built().change('env/a', { text: '2' }).see('base');
    const after = Object.fromEntries(scene.planned().plan.actions.map((action) => [action.node, action.after]));
    expect(after).toEqual({ base: [], 'env/a': ['base'], 'env/b': ['base'], 'pub/a': ['env/a'], 'pub/b': ['env/b'] });
  });
});
