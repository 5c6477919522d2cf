/** Saved plans: carried out exactly, refused when they are stale, gone on with after an interruption, and never exceeded. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Plan } from '@rebake/sdk';
import { EXIT } from '../src/index.ts';
import { toldToPeople } from './declarations.ts';
import { FLEET, PUBLISHED } from './fleets.ts';
import { interruption } from './interruption.ts';
import { readable } from './readable.ts';
import { testRegistry } from './registry.ts';
import { rig } from './rig.ts';

describe('a saved plan', () => {
  it('is the plan, for its owner only, and asks nobody when it is applied', async () => {
    using project = rig(FLEET);
    const saved = await project.rebake('plan --out x.plan');
    expect(saved.out).toContain('\nSaved. Carry out exactly this with: rebake apply x.plan\n');
    expect(statSync(project.path('x.plan')).mode & 0o777).toBe(0o600);
    expect(project.read('x.plan')).toBe((await project.rebake('plan --json')).out);
    const applied = await project.rebake('apply x.plan --parallelism 1');
    expect(applied).toMatchObject({ code: EXIT.done, err: '' });
    await expect(readable(applied.out)).toMatchFileSnapshot('golden/apply-saved.txt');
    expect(await project.rebake('plan --detailed-exitcode')).toMatchObject({ code: EXIT.done });
  });

  it('is looked for where the command works', async () => {
    using project = rig(Object.fromEntries(Object.entries(FLEET).map(([path, text]) => [`fleet/${path}`, text])));
    expect(await project.rebake('-C fleet plan --json --out x.plan')).toMatchObject({ code: EXIT.done, err: '' });
    expect(statSync(project.path('fleet/x.plan')).isFile()).toBe(true);
    expect(await project.rebake('-C fleet apply x.plan')).toMatchObject({ code: EXIT.done, err: '' });
  });

  it('does no more than it says, whatever else has become stale meanwhile', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake('apply --auto-approve');
    project.edit('glm.txt', '3.1.2', '3.1.3');
    await project.rebake('plan --out x.plan');
    eu.put('upstream/debian', '12', { mended: true });
    eu.remove('dss/cpu/base', 'dss-14.1.1');
    expect(await project.rebake('apply x.plan')).toMatchObject({ code: EXIT.done, err: '' });
    expect(project.engine.built).toHaveLength(3);
    expect(eu.tags('dss/cpu/base')).toEqual({});
    const { out } = await project.rebake('plan');
    expect(out).toContain('Plan: 1 to build, 1 to adopt, 1 to publish; 1 to build, 1 to publish if what they stand on');
  });
});

describe('a saved plan is refused', () => {
  it('after the declaration was edited', async () => {
    using project = rig(FLEET);
    await project.rebake('plan --out x.plan');
    project.edit('glm.txt', '3.1.2', '3.1.3');
    const ran = await project.rebake('apply x.plan');
    expect(ran).toMatchObject({ code: EXIT.stale, out: '' });
    expect(ran.err).toBe(
      'error[PLAN_STALE]: the plan no longer fits: the declaration has changed since\n  help: Plan again with `rebake plan --out FILE`.\n',
    );
    expect(project.engine.built).toEqual([]);
  });

  it('but not for a comment, or another order of lines', async () => {
    using project = rig(FLEET);
    await project.rebake('plan --out x.plan');
    project.write('glm.txt', 'scipy\nglum == 3.1.2   # as before\n');
    expect(await project.rebake('apply x.plan')).toMatchObject({ code: EXIT.done });
  });

  it('not after an apply that did the same', async () => {
    using project = rig(FLEET);
    await project.rebake('plan --out x.plan');
    await project.rebake('apply --auto-approve');
    expect(await project.rebake('apply x.plan')).toMatchObject({ code: EXIT.done });
    expect(project.engine.built).toHaveLength(3);
  });

  it('after an apply of something else, and says which nodes changed', async () => {
    using project = rig(FLEET);
    await project.rebake('plan --out x.plan');
    project.edit('glm.txt', '3.1.2', '3.1.3');
    await project.rebake('apply --auto-approve');
    project.edit('glm.txt', '3.1.3', '3.1.2');
    const ran = await project.rebake('apply x.plan');
    expect(ran.code).toBe(EXIT.stale);
    expect(ran.err).toContain(
      'error[PLAN_STALE]: the plan no longer fits `base/python#linux/amd64`: it has got an entry since\n',
    );
    expect(toldToPeople(ran)).toHaveLength(5);
    expect(ran.err).toContain(' (and 1 more)\n');
  });

  it('when it was made from another state', async () => {
    using one = rig(FLEET);
    using other = rig(FLEET);
    // Ids count in each project: one command more, and the second state has another lineage.
    await other.rebake('state rm nothing');
    await other.rebake('plan --out x.plan');
    one.write('x.plan', readFileSync(other.path('x.plan')));
    await one.rebake('plan');
    const ran = await one.rebake('apply x.plan --json');
    expect(ran).toMatchObject({ code: EXIT.stale, err: '' });
    expect(JSON.parse(ran.out)).toMatchObject({
      diagnostics: [{ code: 'PLAN_STALE', message: 'the plan no longer fits: it was made from another state' }],
    });
  });

  it('when somebody has written into it', async () => {
    using project = rig(FLEET);
    await project.rebake('plan --out x.plan');
    const plan = JSON.parse(project.read('x.plan')) as Plan;
    writeFileSync(project.path('x.plan'), JSON.stringify({ ...plan, note: 'looks fine' }));
    const ran = await project.rebake('apply x.plan');
    expect(ran.code).toBe(EXIT.failed);
    expect(ran.err).toContain('error[PLAN_FILE_UNREADABLE]: `x.plan`: ');
  });
});

describe('a saved plan that was interrupted', () => {
  it('goes on where it was, and does nothing twice', async () => {
    using project = rig(FLEET);
    await project.rebake('plan --out x.plan');
    const { signal, interrupt } = interruption();
    project.engine.behaviours.set('beautifulsoup4', async () => interrupt());
    const first = await project.rebake('apply x.plan --parallelism 1', { signal });
    expect(first.code).toBe(EXIT.interrupted);
    expect(first.out).toContain('cancelled env/soup\n');
    const done = project.engine.built.length;
    project.engine.behaviours.clear();
    const second = await project.rebake('apply x.plan');
    expect(second).toMatchObject({ code: EXIT.done, err: '' });
    expect(project.engine.built).toHaveLength(3);
    expect(new Set(project.engine.built).size).toBe(3);
    expect(done).toBeGreaterThan(0);
    // A third time there is nothing left of it.
    const third = await project.rebake('apply x.plan');
    expect(third).toMatchObject({ code: EXIT.done, out: '\nDone: 6 kept in 0.0s.\n' });
  });
});

describe('a plan is an upper bound', () => {
  it('fails what would need more, and says to plan again', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake('apply --auto-approve');
    project.engine.names.clear();
    project.edit('glm.txt', '3.1.2', '3.1.3');
    // The base is to be fetched; by the time of the apply it is nowhere.
    await project.rebake('plan --out x.plan');
    eu.remove('dss/cpu/base');
    const ran = await project.rebake('apply x.plan --parallelism 1');
    expect(ran.code).toBe(EXIT.failed);
    expect(project.engine.built).toHaveLength(2);
    await expect(readable(ran.out)).toMatchFileSnapshot('golden/apply-exceeded.txt');
    const { out } = await project.rebake('apply --auto-approve');
    expect(out).toContain('Done: 2 built');
  });
});
