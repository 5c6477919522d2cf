/** The main job through the command line: declare, plan, apply, upgrade, resolve. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { FLEET } from './fleets.ts';
import { rig } from './rig.ts';

describe('the main job', () => {
  it('plans everything, applies it, and then has nothing to do', async () => {
    using project = rig(FLEET);
    const planned = await project.rebake('plan --detailed-exitcode');
    expect(planned.code).toBe(EXIT.changes);
    await expect(planned.out).toMatchFileSnapshot('golden/plan-first.txt');
    const applied = await project.rebake('apply --auto-approve');
    expect(applied.code).toBe(EXIT.done);
    expect(project.engine.built).toHaveLength(3);
    const again = await project.rebake('plan --detailed-exitcode');
    expect(again).toMatchObject({ code: EXIT.done, out: 'Nothing to do: 6 unchanged.\n' });
  });

  it('rebuilds the stale part after an upgrade, and says why', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    project.write('kit-14.1.2/dss-version.json', '{"product_version": "14.1.2"}\n');
    project.write('kit-14.1.2/python/dataiku/__init__.py', '__version__ = "14.1.2"\n');
    const upgraded = await project.rebake('upgrade 14.1.2 --kit ./kit-14.1.2');
    expect(upgraded.code).toBe(EXIT.done);
    await expect(upgraded.out).toMatchFileSnapshot('golden/upgrade.txt');
    expect(project.read('rebake.yaml')).toContain('release: { version: 14.1.2, kit: ./kit-14.1.2 }');
    const old = await project.rebake('resolve --env glm --config cpu');
    expect(old).toMatchObject({ code: EXIT.outOfDate, out: 'python/pyenv-glm:dss-14.1.1\n' });
    const applied = await project.rebake('apply --auto-approve');
    expect(applied.code).toBe(EXIT.done);
    expect(project.engine.built).toHaveLength(6);
    const resolved = await project.rebake('resolve --env glm --config cpu --workload python-notebook');
    expect(resolved).toMatchObject({ code: EXIT.done, err: '' });
    expect(resolved.out).toContain('dss-14.1.2');
  });
});

describe('why, after an upgrade was applied', () => {
  it('tells the leaf that made the last run go, also of a node that only followed', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    project.write('kit/dss-version.json', '{"product_version": "14.1.2"}\n');
    await project.rebake('upgrade 14.1.2');
    await project.rebake('apply --auto-approve');
    const { out } = await project.rebake('why glm');
    expect(out).toContain('env/glm is fresh');
    expect(out).toContain('planned for: if base/python changes (release/version: 14.1.1 → 14.1.2)');
  });
});
