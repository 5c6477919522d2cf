/** Every cause that a plan can name, through the command line: the line of the plan, the document for programs, and what `why` makes of it. */
import { describe, expect, it } from 'vitest';
import type { Cause, Plan } from '@rebake/sdk';
import { failing } from './fake-builder.ts';
import { FLEET, PUBLISHED } from './fleets.ts';
import { readable } from './readable.ts';
import { testRegistry, type TestRegistry } from './registry.ts';
import { rig, type Rig } from './rig.ts';

interface World extends AsyncDisposable {
  readonly project: Rig;
  readonly eu: TestRegistry;
}

/** What is done to a world in which everything was applied, and what is said of one node then. */
interface Scenario {
  readonly node: string;
  readonly flags?: string;
  readonly change?: (world: World) => unknown;
  /** What stands beside the node in the plan. */
  readonly plan: string;
  /** Done between the plan and the question why. */
  readonly afterwards?: string;
  readonly why: readonly string[];
}

const SCENARIOS: Readonly<Record<Cause['code'], Scenario>> = {
  NEVER_BUILT: {
    node: 'env/soup',
    change: ({ project }) => project.edit('rebake.yaml', 'builders', '  soup: { language: python }\nbuilders'),
    plan: 'build     new',
    why: ['env/soup is stale: build', '  new (rebake.yaml:11)'],
  },
  INPUT_CHANGED: {
    node: 'env/glm',
    change: ({ project }) => project.edit('glm.txt', '3.1.2', '3.1.3'),
    plan: 'build     packages/glum: glum==3.1.2 → glum==3.1.3',
    why: ['env/glm is stale: build', '  packages/glum: glum==3.1.2 → glum==3.1.3 (glm.txt:2)'],
  },
  INPUT_ADDED: {
    node: 'env/glm',
    change: ({ project }) => project.edit('glm.txt', 'scipy', 'scipy\nhumanize>=4'),
    plan: 'build     packages/humanize added: humanize>=4',
    why: ['  packages/humanize added: humanize>=4 (glm.txt:4)'],
  },
  INPUT_REMOVED: {
    node: 'env/glm',
    change: ({ project }) => project.edit('glm.txt', 'scipy\n', ''),
    plan: 'build     packages/scipy removed',
    why: ['  packages/scipy removed'],
  },
  EXTERNAL_MOVED: {
    node: 'base/python',
    change: ({ eu }) => eu.put('upstream/debian', '12', { release: '12.1' }),
    plan: 'build     external/debian:12 moved: 000000000001 → 000000000002',
    why: ['  external/debian:12 moved: 000000000001 → 000000000002', '    by way of external/debian:12 → base/python'],
  },
  PARENT_MAY_CHANGE: {
    node: 'env/glm',
    change: ({ project }) => project.write('kit/python/dataiku/__init__.py', '__version__ = "mended"\n'),
    plan: 'build?    if base/python changes (kit/python: 000000000001 → 000000000002)',
    why: [
      'env/glm is stale: build, if base/python changes',
      '  if base/python changes (kit/python: 000000000001 → 000000000002)',
      '    by way of base/python → env/glm',
    ],
  },
  PARENT_CHANGED: {
    node: 'env/glm',
    change: async ({ project }) => {
      project.write('kit/python/dataiku/__init__.py', '__version__ = "mended"\n');
      await project.rebake('apply --auto-approve --target base/python');
    },
    plan: 'build     base/python changed: 000000000001 → 000000000002',
    why: ['  base/python changed: 000000000001 → 000000000002', '    by way of base/python → env/glm'],
  },
  CONTENTS_CHANGED: {
    node: 'env/glm',
    change: ({ project }) => (project.engine.contents = 'fake@2'),
    plan: 'build     contents class: fake@1 → fake@2',
    why: ['  contents class: fake@1 → fake@2'],
  },
  OUTPUT_MISSING: {
    node: 'env/glm',
    change: ({ project, eu }) => {
      project.engine.names.clear();
      eu.remove('dss/cpu/pyenv-glm');
    },
    plan: 'build     needed, and nowhere to be seen',
    why: ['env/glm is stale: build', '  needed, and nowhere to be seen'],
  },
  TAG_MOVED: {
    node: 'dss/cpu/pyenv-glm',
    change: ({ eu }) => eu.put('dss/cpu/pyenv-glm', 'dss-14.1.1', { by: 'somebody' }),
    plan: 'publish   somebody moved dss-14.1.1: 000000000001 → 000000000002',
    why: ['publication/pyenv-glm is stale: publish', '  somebody moved dss-14.1.1: 000000000001 → 000000000002'],
  },
  FORCED: {
    node: 'env/glm',
    flags: '--rebuild glm@python',
    plan: 'build     asked for with --rebuild',
    afterwards: 'apply --auto-approve --rebuild glm@python',
    why: ['env/glm is fresh', '  planned for: asked for with --rebuild'],
  },
  UNDECLARED: {
    node: 'env/glm',
    change: ({ project }) => project.edit('rebake.yaml', '  glm: {', '  other: {'),
    plan: 'forget    no longer declared',
    why: ['env/glm is no longer declared: forget', '  no longer declared'],
  },
};

describe('every cause is told by plan, by plan --json and by why', () => {
  it.each(Object.entries(SCENARIOS))('%s', async (code, { node, flags = '', change, plan, afterwards, why }) => {
    await using world = await applied();
    const { project } = world;
    await change?.(world);
    const planned = await project.rebake(`plan ${flags}`);
    expect(planned).toMatchObject({ code: 0, err: '' });
    expect(besides(readable(planned.out), node)).toBe(plan);
    const { actions } = JSON.parse((await project.rebake(`plan --json ${flags}`)).out) as Plan;
    expect(actions.flatMap(({ reasons }) => reasons.map(({ cause }) => cause.code))).toContain(code);
    if (afterwards !== undefined) await project.rebake(afterwards);
    const asked = await project.rebake(`why ${node}`);
    expect(asked).toMatchObject({ code: 0, err: '' });
    expect(readable(asked.out).split('\n')).toEqual(expect.arrayContaining([...why]));
  });
});

describe('what is missing is told by what is done about it', () => {
  it('fetched where a registry has it, published again where only the tag is gone', async () => {
    await using world = await applied();
    const { project, eu } = world;
    project.engine.names.clear();
    project.edit('glm.txt', 'scipy', 'scipy\nhumanize');
    const fetching = await project.rebake('plan');
    expect(besides(fetching.out, 'base/python')).toBe('fetch     needed in the engine, and only in a registry');
    project.edit('glm.txt', 'scipy\nhumanize', 'scipy');
    eu.remove('dss/cpu/pyenv-glm', 'dss-14.1.1');
    const publishing = await project.rebake('plan');
    expect(besides(publishing.out, 'dss/cpu/pyenv-glm')).toBe('publish   not where it was published');
    expect((await project.rebake('why env/glm')).out).toContain('env/glm is fresh\n');
  });
});

describe('what happens anyway', () => {
  it('is not told as if it depended on what it stands on', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    project.engine.names.clear();
    const { out } = await project.rebake('plan');
    expect(besides(out, 'env/glm')).toBe('build     needed, and nowhere to be seen, and 1 more');
  });
});

describe('why', () => {
  it('shows what makes a node fresh, and its last run', async () => {
    await using world = await applied();
    const { out } = await world.project.rebake('why glm@python');
    await expect(readable(out)).toMatchFileSnapshot('golden/why-fresh.txt');
  });

  it('shows where the tags of a publication were seen, or that nobody looked there', async () => {
    await using world = await applied();
    const { out } = await world.project.rebake('why pyenv-glm');
    expect(readable(out)).toContain('  seen at eu.example.test/dss/cpu/pyenv-glm@sha256:');
    const trusting = await world.project.rebake('why pyenv-glm --refresh=false');
    expect(trusting.out).toContain('  by the state, which is trusted, at eu.example.test/dss/cpu/pyenv-glm@sha256:');
  });

  it('shows a failure since the last success in the engine’s own words', async () => {
    await using world = await applied();
    const { project } = world;
    project.edit('glm.txt', '3.1.2', '99');
    project.engine.behaviours.set('glum==99', failing('ERROR: No matching distribution found for glum==99\n'));
    expect(await project.rebake('apply --auto-approve')).toMatchObject({ code: 1 });
    const { out } = await project.rebake('why glm@python');
    await expect(readable(out)).toMatchFileSnapshot('golden/why-failed.txt');
  });

  it('says what it cannot judge, and for which answer it waits', async () => {
    await using world = await applied();
    world.eu.refuses = 403;
    const { out } = await world.project.rebake('why glm@python');
    expect(out).toContain(
      'env/glm cannot be judged, because of external/debian:12:\n  REGISTRY_DENIED: eu.example.test: GET upstream/debian 12: HTTP 403: DENIED: the registry refuses\n',
    );
  });

  it('gives all of it to programs', async () => {
    await using world = await applied();
    const { project } = world;
    project.edit('glm.txt', 'scipy\n', '');
    const { out } = await project.rebake('why glm@python --json');
    expect(JSON.parse(out)).toMatchObject({
      formatVersion: 1,
      verdict: 'planned',
      node: 'env/python/glm@python#linux/amd64',
      action: { atMost: 'build', reasons: [{ cause: { code: 'INPUT_REMOVED', key: 'packages/scipy' } }] },
      lastRun: { outcome: 'built' },
    });
  });
});

/** A project in which everything was applied. */
async function applied(): Promise<World> {
  const eu = await testRegistry();
  eu.put('upstream/debian', '12', { release: '12.0' });
  const project = rig(PUBLISHED, [eu]);
  expect(await project.rebake('apply --auto-approve')).toMatchObject({ code: 0, err: '' });
  return {
    project,
    eu,
    async [Symbol.asyncDispose]() {
      project[Symbol.dispose]();
      await eu.close();
    },
  };
}

/** What stands beside a node in a plan for people. */
function besides(plan: string, node: string): string {
  const line = plan.split('\n').find((one) => one.includes(`─ ${node}`) || one.includes(`/${node}:`)) ?? '';
  return line.replace(/^.*?─ \S+\s+/, '');
}
