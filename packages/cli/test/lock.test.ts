/** `rebake lock`, and what `plan --lock` and `apply --lock` do first, as people and programs see it. */
import { existsSync, readdirSync, statSync, watch } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/exit.ts';
import { fakeUv } from './fake-uv.ts';
import { FLEET } from './fleets.ts';
import { rig, type Ran, type Rig } from './rig.ts';

const INDEX = 'pip 26.0\nglum 3.1.2\nscipy 1.13.0\nbeautifulsoup4 4.12.3\nlxml 5.2.0\nsoupsieve 2.5\n';

interface Locking extends Disposable {
  readonly project: Rig;
  readonly run: (
    args: string,
    more?: { readonly signal?: AbortSignal; readonly env?: Readonly<Record<string, string>> },
  ) => Promise<Ran>;
}

/** The small fleet, without notebooks, which bring packages of their own. */
function locking(): Locking {
  const project = rig({
    ...FLEET,
    'rebake.yaml': `${FLEET['rebake.yaml']}`.replace(', jupyter: true', ''),
    index: INDEX,
  });
  const uv = fakeUv(project);
  return {
    project,
    run: (args, { env = {}, ...more } = {}) => project.rebake(args, { env: { REBAKE_UV: uv, ...env }, ...more }),
    [Symbol.dispose]: () => project[Symbol.dispose](),
  };
}

const shown = (command: string, { out, err, code }: Ran): string => `$ rebake ${command}\n${out}${err}(${code})\n\n`;

describe('lock', () => {
  it('tells in a line what each lock came to, and in one count what is as it was', async () => {
    using own = locking();
    const { project, run } = own;
    let story = '';
    const tell = async (command: string): Promise<void> => void (story += shown(command, await run(command)));
    await tell('lock --check');
    await tell('lock');
    await tell('lock');
    await tell('lock --check');
    project.edit('rebake.yaml', '[beautifulsoup4]', '[beautifulsoup4, lxml, soupsieve]');
    project.edit('index', 'beautifulsoup4 4.12.3', 'beautifulsoup4 4.13.0');
    await tell('lock --check');
    await tell('lock soup');
    await tell('lock soup --upgrade-package Beautifulsoup4');
    project.edit('index', 'scipy 1.13.0', 'scipy 1.14.0');
    project.edit('index', 'pip 26.0', 'pip 26.1');
    await tell('lock --upgrade');
    project.edit('glm.txt', 'scipy', 'skipy');
    project.edit('rebake.yaml', ', soupsieve]', ']');
    await tell('lock');
    await expect(story).toMatchFileSnapshot('golden/lock.txt');
  });

  it('writes each lock whole, and leaves one that is the same as it is', async () => {
    using own = locking();
    const { project, run } = own;
    await run('lock');
    const before = statSync(project.path('pylock.glm.toml'));
    expect(project.read('pylock.glm.toml')).toContain('[tool.rebake]\ninterpreter = "3.11"');
    expect(project.read('pylock.glm.toml')).not.toContain('$DIR');
    expect(await run('lock --upgrade')).toMatchObject({ code: EXIT.done, out: 'Locks: 2 up to date.\n' });
    expect(statSync(project.path('pylock.glm.toml'))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(readdirSync(project.dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    // What failed leaves the lock that was there.
    project.edit('glm.txt', 'scipy', 'skipy');
    const kept = project.read('pylock.glm.toml');
    expect((await run('lock')).code).toBe(EXIT.failed);
    expect(project.read('pylock.glm.toml')).toBe(kept);
  });

  it('asks nothing and writes nothing to check', async () => {
    using own = locking();
    const { project, run } = own;
    const ran = await run('lock --check', { env: { REBAKE_UV: '/nowhere/uv' } });
    expect(ran.code).toBe(EXIT.failed);
    expect(readdirSync(project.dir).filter((name) => name.includes('lock'))).toEqual([]);
    expect(existsSync(project.path('.cache'))).toBe(false);
  });

  it('is what mends a declaration whose only errors are about locks', async () => {
    using own = locking();
    const { project, run } = own;
    project.edit('rebake.yaml', 'builders:', 'locks: required\nbuilders:');
    expect((await run('plan')).err).toContain('error[LOCK_MISSING]');
    expect((await run('lock')).code).toBe(EXIT.done);
    expect((await run('plan')).code).toBe(EXIT.done);
    project.write('pylock.glm.toml', '<<<<<<< HEAD\n');
    expect((await run('plan')).err).toContain('error[LOCK_INVALID]');
    expect(await run('lock')).toMatchObject({ code: EXIT.done, err: '' });
    project.edit(
      'rebake.yaml',
      'language: python, interpreter: "3.11", packages: { file',
      'language: pyton, interpreter: "3.11", packages: { file',
    );
    const broken = await run('lock');
    expect(broken).toMatchObject({ code: EXIT.failed, out: 'Nothing here has packages to lock.\n' });
    expect(broken.err).not.toContain('LOCK_');
  });

  it('answers programs in JSON', async () => {
    using own = locking();
    const { project, run } = own;
    await run('lock');
    project.edit('glm.txt', 'scipy', 'skipy');
    project.edit('rebake.yaml', '[beautifulsoup4]', '[lxml]');
    const { out, err, code } = await run('lock --json');
    expect({ err, code }).toEqual({ err: '', code: EXIT.failed });
    const document = JSON.parse(out) as { diagnostics: { code: string }[]; locks: object[] };
    expect(document).toMatchObject({
      formatVersion: 1,
      ok: false,
      locks: [
        { of: 'env/python/glm', name: 'glm', kind: 'python', file: 'pylock.glm.toml', outcome: 'failed' },
        {
          name: 'soup',
          outcome: 'written',
          packages: 2,
          changes: [
            { name: 'beautifulsoup4', from: '4.12.3', to: null },
            { name: 'lxml', from: null, to: '5.2.0' },
          ],
        },
      ],
    });
    expect(document.diagnostics.map((one) => one.code)).toEqual(['LOCK_UNRESOLVABLE']);
  });

  it('ends at once when it is interrupted, and leaves no half of a lock', async () => {
    using own = locking();
    const stop = new AbortController();
    own.project.write(
      'bin/uv',
      `#!/bin/sh\n[ "$1" = --version ] && echo "uv 0.13.9" && exit\n[ "$1" = python ] && exit\necho started > '${own.project.path('started')}'\nexec sleep 600\n`,
    );
    const started = new Promise<void>((resolve) => {
      const watcher = watch(own.project.dir, () => {
        if (!existsSync(own.project.path('started'))) return;
        watcher.close();
        resolve();
      });
    });
    const ran = own.run('lock', { signal: stop.signal });
    await started;
    stop.abort(new Error('interrupted'));
    expect(await ran).toMatchObject({ code: EXIT.interrupted, out: 'Interrupted: nothing was locked.\n', err: '' });
    expect(readdirSync(own.project.dir).filter((name) => name.includes('lock'))).toEqual([]);
  });
});

describe('plan --lock and apply --lock', () => {
  it('lock first, show what moved, and go on with the declaration as it is then', async () => {
    using own = locking();
    const { project, run } = own;
    project.edit('rebake.yaml', 'builders:', 'locks: required\nbuilders:');
    let story = shown('plan --lock', await run('plan --lock'));
    story += shown('apply --lock --auto-approve', { ...(await run('apply --lock --auto-approve')), err: '' });
    project.edit('glm.txt', 'scipy', 'scipy>=1.13');
    project.edit('rebake.yaml', '[beautifulsoup4]', '[lxml]');
    project.edit('index', 'scipy 1.13.0', 'scipy 1.14.0');
    story += shown('plan --lock', await run('plan --lock'));
    project.edit('glm.txt', 'scipy>=1.13', 'skipy');
    story += shown('plan --lock', await run('plan --lock'));
    await expect(story).toMatchFileSnapshot('golden/plan-lock.txt');
  });

  it('answer programs with one document, and do not go with a saved plan', async () => {
    using own = locking();
    const { project, run } = own;
    const { out, code } = await run('plan --lock --json');
    expect(code).toBe(EXIT.done);
    expect(JSON.parse(out)).toMatchObject({ formatVersion: 1 });
    expect(existsSync(project.path('pylock.glm.toml'))).toBe(true);
    project.edit('glm.txt', 'scipy', 'skipy');
    const failed = await run('plan --lock --json');
    expect(failed.code).toBe(EXIT.failed);
    expect(
      (JSON.parse(failed.out) as { diagnostics: { code: string }[] }).diagnostics.map((one) => one.code),
    ).toContain('LOCK_UNRESOLVABLE');
    const saved = await run('apply x.plan --lock');
    expect(saved.code).toBe(EXIT.failed);
    expect(saved.err).toContain("option '--lock' cannot be used with a saved plan");
  });
});
