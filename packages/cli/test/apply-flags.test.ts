/** The flags of `plan` and `apply` that choose what is done: which nodes, how many at a time, what is deleted, and whether the world is asked. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { FLEET, PUBLISHED } from './fleets.ts';
import { testRegistry } from './registry.ts';
import { rig, type Rig } from './rig.ts';

const KIT = 'kit/python/dataiku/__init__.py';

describe('--target', () => {
  it('takes what a node needs along, and with + what stands on it', async () => {
    using project = rig(FLEET);
    expect(await summary(project, 'plan --target glm@python')).toBe('Plan: 2 to build; 0 unchanged.');
    expect(await summary(project, 'plan --target glm@python+')).toBe('Plan: 2 to build, 1 to publish; 0 unchanged.');
    expect(await summary(project, 'plan --target glm@python --target pyenv-soup')).toBe(
      'Plan: 3 to build, 1 to publish; 0 unchanged.',
    );
    await project.rebake('apply --auto-approve --target glm@python');
    expect(await summary(project, 'plan')).toBe('Plan: 1 to build, 3 to publish; 2 unchanged.');
  });

  it('leaves nodes that are no longer declared alone', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    project.edit('rebake.yaml', '  soup:', '  broth:');
    expect(await summary(project, 'plan --target glm@python')).toBe('Nothing to do: 2 unchanged.');
    expect(await summary(project, 'plan')).toMatch(/, 2 to forget; 4 unchanged\.$/);
  });
});

describe('--rebuild', () => {
  it('builds a node again, and what stands on it only if it comes out different', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    const flags = '--rebuild base/python';
    expect(await summary(project, `plan ${flags}`)).toBe(
      'Plan: 1 to build; 2 to build, 3 to publish if what they stand on changes; 0 unchanged.',
    );
    const { out } = await project.rebake(`apply --auto-approve ${flags}`);
    expect(out).toContain('Done: 1 built, 5 kept');
  });
});

describe('--parallelism', () => {
  it('is how much is done at a time: one after the other, or side by side', async () => {
    using project = rig(FLEET);
    const { promise: both, resolve: bothRun } = Promise.withResolvers<void>();
    let now = 0;
    let most = 0;
    let meet = false;
    for (const part of ['glum', 'beautifulsoup4']) {
      project.engine.behaviours.set(part, async () => {
        now += 1;
        most = Math.max(most, now);
        if (now === 2) bothRun();
        if (meet) await both;
        now -= 1;
      });
    }
    await project.rebake('apply --auto-approve --parallelism 1');
    expect(most).toBe(1);
    // Each waits for the other one: alone, neither would ever end.
    meet = true;
    const ran = await project.rebake('apply --auto-approve --parallelism 2 --rebuild glm@python --rebuild soup@python');
    expect(ran.code).toBe(EXIT.done);
    expect(most).toBe(2);
  });

  it.each(['0', 'many', '1025', '1.5'])('refuses %s', async (n) => {
    using project = rig(FLEET);
    const ran = await project.rebake(`apply --auto-approve --parallelism ${n}`);
    expect(ran).toMatchObject({ code: EXIT.failed, out: '' });
    expect(ran.err).toBe(
      `error: option '--parallelism <n>' argument '${n}' is invalid. It is no whole number from 1 to 1024.\n`,
    );
  });
});

describe('nodes that are no longer declared', () => {
  it('are forgotten; with --prune, what they left is deleted', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake('apply --auto-approve');
    project.edit(
      'rebake.yaml',
      'containerConfigs:\n',
      'containerConfigs:\n  eu2: { engine: kubernetes, base: python, registry: eu, repository: two }\n',
    );
    await project.rebake('apply --auto-approve');
    expect(Object.keys(eu.tags('dss/two/pyenv-glm'))).toEqual(['dss-14.1.1']);
    expect(await forget(project, '')).toContain('Done: 2 forgotten');
    expect(Object.keys(eu.tags('dss/two/pyenv-glm'))).toEqual(['dss-14.1.1']);

    project.edit(
      'rebake.yaml',
      'containerConfigs:\n',
      'containerConfigs:\n  eu2: { engine: kubernetes, base: python, registry: eu, repository: two }\n',
    );
    await project.rebake('apply --auto-approve');
    expect(await summary(project, 'plan --prune')).toBe('Nothing to do: 7 unchanged.');
    expect(await forget(project, '--prune')).toContain('Done: 2 deleted');
    expect(eu.tags('dss/two/pyenv-glm')).toEqual({});
    expect(eu.changes.filter((change) => change.startsWith('DELETE'))).toHaveLength(2);
    expect(Object.keys(eu.tags('dss/cpu/pyenv-glm'))).toEqual(['dss-14.1.1']);
    expect(await summary(project, 'plan')).toBe('Nothing to do: 5 unchanged.');
  });

  it('are told as deleted in the plan', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    project.edit('rebake.yaml', '  soup: {', '  broth: {');
    const { out } = await project.rebake('plan --prune');
    expect(out).toMatch(
      /^No longer declared\n- ├─ env\/soup +delete +no longer declared\n- └─ publication\/pyenv-soup +delete/m,
    );
  });
});

describe('--refresh=false', () => {
  it('trusts the state, says so, and asks neither engines nor registries', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    const blind = await project.rebake('plan --refresh=false');
    expect(blind.code).toBe(EXIT.failed);
    expect(blind.err).toContain(
      'was never looked at: plan once with refresh\n  help: Plan once without `--refresh=false`.\n',
    );
    await project.rebake('apply --auto-approve');
    eu.refuses = 403;
    project.engine.reachable = false;
    for (const flag of ['--refresh=false', '--no-refresh', '--refresh false'])
      expect(await project.rebake(`plan ${flag}`)).toMatchObject({
        code: EXIT.done,
        out: 'Nothing was looked at: the state is trusted (--refresh=false).\nNothing to do: 5 unchanged.\n',
        err: '',
      });
    project.write(KIT, '__version__ = "mended"\n');
    const planned = await project.rebake('plan --no-refresh');
    expect(planned.out).toMatch(
      /Plan: 1 to build; 1 to build, 2 to publish if what they stand on changes; 1 unchanged\.\n$/,
    );
    expect(await project.rebake('plan')).toMatchObject({ code: EXIT.failed });
  });
});

describe('--verbose', () => {
  it('has a line for what stays as it is, too', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    const ran = await project.rebake('apply --auto-approve --verbose --parallelism 1 --rebuild soup@python');
    expect(ran.out).toMatch(/^kept {6}env\/glm {2}0\.0s$/m);
    expect(ran.out).toMatch(/^built {5}env\/soup {2}1m00s$/m);
  });
});

async function summary(project: Rig, args: string): Promise<string> {
  const { out } = await project.rebake(args);
  return out.trimEnd().split('\n').at(-1) ?? '';
}

/** Takes the second config out of the declaration, and applies. */
async function forget(project: Rig, flags: string): Promise<string> {
  project.edit('rebake.yaml', '  eu2: { engine: kubernetes, base: python, registry: eu, repository: two }\n', '');
  const { out } = await project.rebake(`apply --auto-approve ${flags}`);
  return out;
}
