/** Every exit code, from the real command line. */
import { describe, expect, it } from 'vitest';
import { EXIT, EXIT_MEANS } from '../src/index.ts';
import { FLEET } from './fleets.ts';
import { interruption } from './interruption.ts';
import { rig, type Ran, type Rig } from './rig.ts';

const RESOLVE = 'resolve --config cpu';

/** What leads to each code. Every project starts as {@link FLEET}, with nothing applied. */
const CASES: Readonly<Record<keyof typeof EXIT, (project: Rig) => Promise<Ran>>> = {
  done: (project) => project.rebake('plan'),
  failed(project) {
    project.edit('rebake.yaml', 'base: python', 'base: pyhton');
    return project.rebake('plan');
  },
  changes: (project) => project.rebake('plan --detailed-exitcode'),
  async stale(project) {
    await project.rebake('plan --out x.plan');
    project.edit('glm.txt', '3.1.2', '3.1.3');
    return project.rebake('apply x.plan');
  },
  async locked(project) {
    const second = whileBuilding(project, () => project.rebake('apply --auto-approve'));
    await project.rebake('apply --auto-approve');
    return second;
  },
  notBuilt: (project) => project.rebake(`${RESOLVE} --env glm`),
  async outOfDate(project) {
    await project.rebake('apply --auto-approve');
    project.edit('glm.txt', '3.1.2', '3.1.3');
    return project.rebake(`${RESOLVE} --env glm`);
  },
  notSelected(project) {
    project.edit('rebake.yaml', 'containerConfigs: [cpu]', 'containerConfigs: none');
    return project.rebake(`${RESOLVE} --env soup`);
  },
  incompatible(project) {
    project.edit('rebake.yaml', 'jupyter: true', 'deployment: external-conda-named');
    return project.rebake(`${RESOLVE} --env glm`);
  },
  noJupyter: (project) => project.rebake(`${RESOLVE} --env soup --workload python-notebook`),
  wrongLanguage: (project) => project.rebake(`${RESOLVE} --env glm --workload r-webapp`),
  interrupted(project) {
    const { signal, interrupt } = interruption();
    project.engine.behaviours.set('rootfs', async () => interrupt());
    return project.rebake('apply --auto-approve', { signal });
  },
};

describe('exit codes', () => {
  it.each(Object.keys(EXIT) as (keyof typeof EXIT)[])('%s', async (name) => {
    using project = rig(FLEET);
    expect((await CASES[name](project)).code).toBe(EXIT[name]);
  });

  it('are all different, and each is explained', () => {
    expect(new Set(Object.values(EXIT)).size).toBe(Object.keys(EXIT).length);
    expect(Object.keys(EXIT_MEANS)).toEqual(Object.keys(EXIT));
  });

  it('are not success when a command is interrupted before anything ran', async () => {
    using project = rig(FLEET);
    const { signal, interrupt } = interruption();
    interrupt();
    expect(await project.rebake('plan', { signal })).toMatchObject({ code: EXIT.interrupted, err: '' });
    expect(await project.rebake('apply --auto-approve', { signal })).toMatchObject({ code: EXIT.interrupted, err: '' });
    expect(project.engine.built).toEqual([]);
  });

  it('are not success when a question is interrupted', async () => {
    using project = rig(FLEET);
    const { signal, interrupt } = interruption();
    const ran = await project.rebake('apply', {
      signal,
      ask: async () => {
        interrupt();
        throw new DOMException('The operation was aborted', 'AbortError');
      },
    });
    expect(ran).toMatchObject({ code: EXIT.interrupted, err: '' });
  });
});

describe('the lock', () => {
  it('names who holds it, lets others read, and is free again afterwards', async () => {
    using project = rig(FLEET);
    const others = whileBuilding(project, async () => ({
      apply: await project.rebake('apply --auto-approve --json'),
      remove: await project.rebake('state rm base/python#linux/amd64'),
      plan: await project.rebake('plan'),
    }));
    expect(await project.rebake('apply --auto-approve')).toMatchObject({ code: EXIT.done });
    const { apply, remove, plan } = await others;
    expect(apply).toMatchObject({ code: EXIT.locked, err: '' });
    expect(JSON.parse(apply.out)).toMatchObject({ diagnostics: [{ code: 'STATE_LOCKED', severity: 'error' }] });
    expect(remove.code).toBe(EXIT.locked);
    expect(remove.err).toMatch(
      /^error\[STATE_LOCKED\]: the state is locked by rebake run id-2 \(pid \d+ on \S+, since 2026-01-01T01:00:00\.000Z\)\n/,
    );
    expect(plan).toMatchObject({ code: EXIT.done, err: '' });
    expect(await project.rebake('state rm base/python#linux/amd64')).toMatchObject({ code: EXIT.done });
  });
});

/** Does something while the first image is being built. */
function whileBuilding<T>(project: Rig, act: () => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  project.engine.behaviours.set('rootfs', async () => {
    await act().then(resolve, reject);
  });
  return promise;
}
