/** The remembered plan: it must say what the plan says, and never outlive what it was made from. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FLEET } from './fleets.ts';
import { rig, type Rig } from './rig.ts';

const PLAN = 'plan --refresh=false --detailed-exitcode';

/** A fleet that is built, long enough ago for its time stamps to be believed. */
async function built(): Promise<Rig> {
  const project = rig(FLEET);
  await project.rebake('apply --auto-approve');
  project.clock.pass(Date.now() - project.clock.now() + 60_000);
  return project;
}

const remembered = (project: Rig): boolean => existsSync(join(project.dir, '.rebake/cache/quiet-plan.json'));

describe('a plan with nothing to do', () => {
  it('is remembered, and says the same from memory', async () => {
    using project = await built();
    const made = await project.rebake(PLAN);
    expect(remembered(project)).toBe(true);
    expect(await project.rebake(PLAN)).toEqual(made);
  });

  it('is made again when a file, the state or the options have changed', async () => {
    using project = await built();
    await project.rebake(PLAN);
    project.write('glm.txt', 'glum==3.1.3\nscipy\n');
    expect(await project.rebake(PLAN)).toMatchObject({ code: 2 });
    project.write('glm.txt', FLEET['glm.txt'] ?? '');
    await project.rebake(PLAN);
    expect((await project.rebake(`${PLAN} --target soup`)).out).toContain('2 unchanged');
    await project.rebake('state rm env/python/soup@python#linux/amd64');
    expect(await project.rebake(PLAN)).toMatchObject({ code: 2 });
  });

  it('is not remembered when something was looked at, is to be done, or has a diagnostic', async () => {
    using project = await built();
    await project.rebake('plan');
    await project.rebake(`${PLAN} --rebuild glm`);
    project.write(
      'rebake.yaml',
      `${FLEET['rebake.yaml'] ?? ''}`.replace('python: ["3.11"]', 'python: ["3.11"], cuda: "12.2"'),
    );
    await project.rebake(PLAN);
    expect(remembered(project)).toBe(false);
  });

  it('is made again when what was remembered is cut off', async () => {
    using project = await built();
    const made = await project.rebake(PLAN);
    project.write('.rebake/cache/quiet-plan.json', '{"key":');
    expect(await project.rebake(PLAN)).toEqual(made);
  });
});
