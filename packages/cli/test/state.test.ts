/** `rebake state`, and what happens when the state, or the disk that it is on, cannot be used. */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { FLEET } from './fleets.ts';
import { rig, type Rig } from './rig.ts';

describe('state list', () => {
  it('prints ids, sorted, and entries for programs', async () => {
    using project = rig(FLEET);
    expect(await project.rebake('state list')).toMatchObject({ code: EXIT.done, out: '', err: '' });
    await project.rebake('apply --auto-approve');
    const { out } = await project.rebake('state list');
    expect(out).toBe(`base/python#linux/amd64
env/python/glm@python#linux/amd64
env/python/soup@python#linux/amd64
publication/engine/python/base
publication/engine/python/pyenv-glm
publication/engine/python/pyenv-soup
`);
    const { entries } = JSON.parse((await project.rebake('state list --json')).out) as {
      entries: Record<string, unknown>;
    };
    expect(Object.keys(entries).join('\n')).toBe(out.trimEnd());
    expect(entries['base/python#linux/amd64']).toMatchObject({ version: 1, contents: 'fake@1', ms: 60_000 });
  });

  it('works with a declaration that has errors, and not without one', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    project.write('rebake.yaml', 'version: 1\n');
    expect((await project.rebake('state list')).out).toContain('base/python#linux/amd64\n');
    for (const command of ['state list', 'state rm x']) {
      const ran = await project.rebake(`-f nowhere.yaml ${command}`);
      expect(ran).toMatchObject({ code: EXIT.failed, out: '' });
      expect(ran.err).toContain('error[CONFIG_NOT_FOUND]: There is no file `nowhere.yaml`\n');
    }
  });
});

describe('state rm', () => {
  it('forgets nodes, all of them or none, and the next apply adopts what is there', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    const node = 'env/python/glm@python#linux/amd64';
    const partly = await project.rebake(`state rm ${node} env/nothing`);
    expect(partly).toMatchObject({ code: EXIT.failed, out: '' });
    expect(partly.err).toBe(
      'error[NO_ENTRY]: the state has no entry of `env/nothing`\n  help: List the nodes with `rebake state list`.\n',
    );
    expect(await project.rebake(`state rm ${node}`)).toMatchObject({
      code: EXIT.done,
      out: `forgot ${node}\n`,
      err: '',
    });
    expect((await project.rebake('plan')).out).toMatch(/─ env\/glm +adopt +new\n/);
    const { out } = await project.rebake('apply --auto-approve');
    expect(out).toContain('Done: 1 adopted, 5 kept');
    expect(project.engine.built).toHaveLength(3);
  });
});

describe('a state that cannot be used', () => {
  const COMMANDS = [
    'plan',
    'apply --auto-approve',
    'why glm@python',
    'show',
    'state list',
    'state rm x',
    'resolve --config cpu',
  ];

  it.each(COMMANDS)('is a diagnostic of %s, and no stack trace', async (command) => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    spoil(project);
    const ran = await project.rebake(command);
    expect(ran).toMatchObject({ code: EXIT.failed, out: '' });
    expect(ran.err).toMatch(
      /^error\[STATE_UNREADABLE\]: \$DIR\/\.rebake\/state\.db cannot be read: .*\n {2}help: .*\.\n$/,
    );
  });

  it('is lost without harm: what is in the engine is adopted', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    spoil(project);
    for (const name of ['state.db', 'state.db-wal', 'state.db-shm'])
      rmSync(project.path(`.rebake/${name}`), { force: true });
    const { out } = await project.rebake('apply --auto-approve');
    expect(out).toContain('Done: 6 adopted');
    expect(project.engine.built).toHaveLength(3);
  });

  it('may lie where nothing can be written', async () => {
    using project = rig({ ...FLEET, '.rebake': 'a file, and no folder' });
    for (const command of ['validate', 'plan', 'graph']) {
      const ran = await project.rebake(command);
      expect(ran.code).toBe(EXIT.failed);
      expect(ran.err).toContain('error[FILES_REFUSED]: E');
    }
    using other = rig(FLEET);
    mkdirSync(other.path('.rebake/state.db'), { recursive: true });
    expect((await other.rebake('plan')).err).toContain('error[FILES_REFUSED]: EISDIR');
  });

  it('is for its owner only', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    expect(statSync(project.path('.rebake/state.db')).mode & 0o777).toBe(0o600);
    expect(statSync(project.path('.rebake')).mode & 0o777).toBe(0o700);
  });
});

/** Writes over the state, and takes away the journal from which SQLite would mend it. */
function spoil(project: Rig): void {
  for (const name of ['state.db-wal', 'state.db-shm']) rmSync(project.path(`.rebake/${name}`), { force: true });
  project.write('.rebake/state.db', 'no database at all, but long enough to look at'.repeat(10));
}
