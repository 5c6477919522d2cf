import type { Lack, Wish } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { accessNeeds } from '../src/index.ts';
import { digest, external, id, image, inEngine, NO_ANSWER, publication, Scene } from './scene.ts';

function fleet(): Scene {
  return new Scene(
    external('external/debian', { ref: 'debian:12' }),
    image('base', ['external/debian']),
    image('env/a', ['base']),
    image('env/b', ['base']),
    publication('pub/a', 'env/a'),
    publication('pub/b', 'env/b'),
  ).built();
}

function blocked(
  scene: Scene,
  wish: Partial<Wish> = {},
): { blockers: readonly string[]; blocked: readonly string[]; lines: readonly string[] } {
  const planned = scene.planned(wish);
  return {
    blockers: planned.blockers.map(({ node, code, why }) => `${node}: ${code}: ${why.words}`),
    blocked: [...planned.blocked].map(([node, by]) => `${node} by ${by}`),
    lines: scene.lines(wish),
  };
}

const BELOW_BASE = ['base by base', 'env/a by base', 'env/b by base', 'pub/a by base', 'pub/b by base'];

describe('unknown observations', () => {
  it('of an external block everything below it', () => {
    const scene = fleet().seeUnknown('external/debian').change('env/a', { text: '2' });
    expect(blocked(scene)).toEqual({
      blockers: ['external/debian: OBSERVATION_UNKNOWN: connection refused'],
      blocked: ['external/debian', 'base', 'env/a', 'env/b', 'pub/a', 'pub/b'].map(
        (node) => `${node} by external/debian`,
      ),
      lines: [],
    });
    const { plan, blockers } = scene.planned();
    expect(plan.externals).toEqual({});
    expect(blockers[0]?.why).toEqual(NO_ANSWER);
    for (const action of plan.actions)
      expect(action).toMatchObject({ atMost: 'keep', reasons: [], after: [], ifChanged: [], entry: 1 });
  });

  it('and an external that does not exist as well', () => {
    const scene = fleet().see('external/debian');
    expect(blocked(scene).blockers).toEqual([
      'external/debian: OBSERVATION_UNKNOWN: debian:12 was not found for linux/amd64',
    ]);
    scene.outputs.delete(id('external/debian'));
    expect(scene.planned().blockers[0]?.why).toMatchObject({ code: 'EXTERNAL_NOT_FOUND', retry: 'never' });
  });

  it('of tags block the publication alone', () => {
    expect(blocked(fleet().seeUnknown('pub/a').change('env/b', { text: '2' }))).toEqual({
      blockers: ['pub/a: OBSERVATION_UNKNOWN: connection refused'],
      blocked: ['pub/a by pub/a'],
      lines: ['build env/b: INPUT_CHANGED env/b', 'publish pub/b if env/b: PARENT_MAY_CHANGE env/b > pub/b'],
    });
  });

  it('of an image that nobody demands are nothing', () => {
    expect(blocked(fleet().seeUnknown('base').seeUnknown('env/a'))).toEqual({ blockers: [], blocked: [], lines: [] });
  });

  it('of an image that is built anyway are nothing', () => {
    const scene = fleet().seeUnknown('base').change('base', { text: '2' });
    expect(scene.planned().blockers).toEqual([]);
    expect(scene.lines()).toHaveLength(5);
  });

  it('of a demanded image block it and everything below, and then nothing demands it any more', () => {
    expect(blocked(fleet().seeUnknown('base').change('env/a', { text: '2' }))).toEqual({
      blockers: ['base: OBSERVATION_UNKNOWN: connection refused'],
      blocked: BELOW_BASE,
      lines: [],
    });
  });

  it('of a conditionally demanded image block as well', () => {
    const scene = fleet()
      .declare(image('tool'))
      .declare(image('env/a', ['base', 'tool']))
      .built()
      .change('tool', { text: '2' });
    expect(blocked(scene.seeUnknown('base'))).toMatchObject({
      blockers: ['base: OBSERVATION_UNKNOWN: connection refused'],
      lines: ['build tool: INPUT_CHANGED tool'],
    });
  });

  it('withdraw what the blocked nodes demanded elsewhere', () => {
    // env is built from `from` and takes something from `base`, which somebody demands and nobody can see.
    const scene = new Scene(
      image('from'),
      image('base'),
      image('env', ['from', 'base']),
      image('other', ['base']),
    ).built();
    scene.see('from').seeUnknown('base').change('env', { text: '2' }).change('other', { text: '2' });
    expect(blocked(scene)).toEqual({
      blockers: ['base: OBSERVATION_UNKNOWN: connection refused'],
      blocked: ['base by base', 'env by base', 'other by base'],
      lines: [],
    });
  });

  it('are told in the order of the plan', () => {
    const scene = fleet().seeUnknown('pub/a').seeUnknown('base').change('env/b', { text: '2' });
    expect(scene.planned().blockers.map(({ node }) => node)).toEqual(['base', 'pub/a']);
  });

  it('outside of the wish are nothing', () => {
    expect(
      fleet()
        .seeUnknown('pub/a')
        .planned({ only: [id('external/debian'), id('base')] }).blockers,
    ).toEqual([]);
  });
});

describe('builders', () => {
  it('that did not answer block what is to be built', () => {
    const scene = fleet().change('env/a', { text: '2' });
    scene.builders.set('docker', { seen: 'unknown', why: NO_ANSWER });
    expect(blocked(scene)).toEqual({
      blockers: ['env/a: BUILDER_UNKNOWN: connection refused'],
      blocked: ['env/a by env/a', 'pub/a by env/a'],
      lines: [],
    });
    expect(scene.planned().blockers[0]?.why).toEqual(NO_ANSWER);
  });

  it('that do not exist block, too', () => {
    const scene = fleet().change('env/a', { text: '2' });
    scene.builders.set('docker', { seen: 'no' });
    expect(blocked(scene).blockers).toEqual(['env/a: BUILDER_UNKNOWN: there is no builder docker']);
    scene.builders.delete('docker');
    expect(scene.planned().blockers[0]?.why).toMatchObject({ code: 'BUILDER_UNKNOWN', retry: 'never' });
  });

  it('that nothing needs are nothing: what they made counts as it was recorded', () => {
    const scene = fleet();
    scene.builders.clear();
    expect(blocked(scene)).toEqual({ blockers: [], blocked: [], lines: [] });
  });

  it('that did not answer block what was never built, by its one cause', () => {
    const scene = new Scene(image('base'));
    scene.builders.clear();
    expect(blocked(scene).blocked).toEqual(['base by base']);
  });

  it('that lack a step block the image and what stands on it', () => {
    const steps = [{ step: 'system-packages', family: 'debian', names: [] }] as const;
    expect(blocked(fleet().declare(image('base', ['external/debian'], { steps, inputs: { text: '2' } })))).toEqual({
      blockers: ['base: BUILDER_CANNOT: builder docker does not know step system-packages@1'],
      blocked: BELOW_BASE,
      lines: [],
    });
  });

  it('that know another version of a step lack it', () => {
    const steps = [{ step: 'user', name: 'u', uid: 1, gid: 1, home: '/' }] as const;
    const scene = new Scene(image('base', [], { steps })).builder('docker', { steps: ['user@2'] });
    expect(scene.planned().blockers[0]?.why).toEqual({
      code: 'BUILDER_CANNOT',
      retry: 'elsewhere',
      words: 'builder docker does not know step user@1',
    });
    expect(scene.builder('docker', { steps: ['user@1'] }).planned().blockers).toEqual([]);
  });

  it('that cannot build for the platform block', () => {
    const scene = new Scene(image('base', [], { platform: 'linux/arm64' }));
    expect(blocked(scene).blockers).toEqual([
      'base: BUILDER_CANNOT: builder docker does not know platform linux/arm64',
    ]);
  });

  it('that cannot build a fresh or an adopted image are no matter', () => {
    const fresh = new Scene(image('base', [], { platform: 'linux/arm64' })).built();
    expect(fresh.planned().blockers).toEqual([]);
    fresh.change('base', { text: '2' }).candidate('base', digest('found'), [], inEngine('base'));
    expect(blocked(fresh)).toMatchObject({ blockers: [], lines: ['adopt base: INPUT_CHANGED base'] });
  });

  it('that cannot build what may have to be built block it, even if only perhaps', () => {
    const scene = fleet()
      .declare(image('env/a', ['base'], { platform: 'linux/arm64' }))
      .change('base', { text: '2' });
    expect(blocked(scene)).toMatchObject({
      blockers: ['env/a: BUILDER_CANNOT: builder docker does not know platform linux/arm64'],
      blocked: ['env/a by env/a', 'pub/a by env/a'],
    });
    expect(scene.lines().map((line) => line.split(':')[0])).toEqual([
      'build base',
      'build env/b if base',
      'publish pub/b if env/b',
    ]);
  });

  it('that cannot build an absent base block it', () => {
    const scene = fleet()
      .declare(image('base', ['external/debian'], { platform: 'linux/arm64' }))
      .see('base')
      .change('env/a', { text: '2' });
    expect(blocked(scene)).toEqual({
      blockers: ['base: BUILDER_CANNOT: builder docker does not know platform linux/arm64'],
      blocked: BELOW_BASE,
      lines: [],
    });
  });
});

describe('what a builder lacks', () => {
  const ALL: readonly Lack[] = ['engine-names', 'secrets', 'network', 'proxy'];

  it.each([
    ['secrets', 'has no secret mounts, and the declaration has secrets for builds'],
    ['network', 'does not let the network of builds be chosen, and the declaration chooses one'],
    ['proxy', 'has no proxy for builds, and the declaration names one'],
  ] as const)('blocks what is to be built where builds need it: %s', (need, words) => {
    const scene = fleet()
      .change('base', { text: '2' })
      .builder('docker', { lacks: [need] });
    expect(blocked(scene, { needs: [need] })).toEqual({
      blockers: [`base: BUILDER_CANNOT: builder docker ${words}`],
      blocked: BELOW_BASE,
      lines: [],
    });
    expect(scene.planned({ needs: [need] }).blockers[0]?.why.retry).toBe('elsewhere');
  });

  it('is nothing where builds do not need it, or need something else', () => {
    const scene = fleet().change('base', { text: '2' });
    expect(scene.builder('docker', { lacks: ALL }).planned().blockers).toEqual([]);
    expect(scene.builder('docker', { lacks: ['proxy'] }).planned({ needs: ['secrets', 'network'] }).blockers).toEqual(
      [],
    );
    expect(scene.builder('docker', {}).planned({ needs: ['secrets', 'network', 'proxy'] }).blockers).toEqual([]);
  });

  it('is nothing where nothing is built', () => {
    const scene = fleet().builder('docker', { lacks: ALL });
    expect(blocked(scene, { needs: ALL })).toEqual({ blockers: [], blocked: [], lines: [] });
  });

  it('blocks publications into its engine, fresh ones and unseen ones too, and not what is published elsewhere', () => {
    const scene = fleet()
      .declare(publication('here/a', 'env/a', { registry: null }))
      .declare(publication('here/b', 'env/b', { registry: null }))
      .built()
      .builder('docker', { lacks: ['engine-names'] })
      .seeUnknown('here/b')
      .change('env/a', { text: '2' });
    const words = 'builder docker has no engine in which others find an image by its name: publish it to a registry';
    expect(blocked(scene)).toEqual({
      blockers: [`here/a: BUILDER_CANNOT: ${words}`, `here/b: BUILDER_CANNOT: ${words}`],
      blocked: ['here/a by here/a', 'here/b by here/b'],
      lines: ['build env/a: INPUT_CHANGED env/a', 'publish pub/a if env/a: PARENT_MAY_CHANGE env/a > pub/a'],
    });
  });
});

describe('what builds need', () => {
  it('follows from how they reach the world', () => {
    expect(accessNeeds({ secrets: {}, network: 'default' })).toEqual([]);
    expect(accessNeeds({ secrets: { ca: { file: 'ca.pem' } }, network: 'default' })).toEqual(['secrets']);
    expect(accessNeeds({ secrets: {}, network: 'none' })).toEqual(['network']);
    expect(accessNeeds({ secrets: {}, network: 'host', proxy: { http: 'http://proxy.test' } })).toEqual([
      'network',
      'proxy',
    ]);
  });
});
