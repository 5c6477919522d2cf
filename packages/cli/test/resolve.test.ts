/** `rebake resolve`: the reference that a run uses, for people and programs. Every refusal is in diagnostics-commands.test.ts. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { FLEET, PUBLISHED } from './fleets.ts';
import { readable } from './readable.ts';
import { testRegistry } from './registry.ts';
import { rig } from './rig.ts';

const GLM = 'resolve --env glm --config cpu';

describe('resolve', () => {
  it('prints a reference with its digest and nothing else, of an env image or of the base', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake('apply --auto-approve');
    const env = await project.rebake(`${GLM} --workload python-notebook`);
    const manifest = eu.tags('dss/cpu/pyenv-glm')['dss-14.1.1'];
    expect(env).toMatchObject({
      code: EXIT.done,
      err: '',
      out: `eu.example.test/dss/cpu/pyenv-glm:dss-14.1.1@${manifest}\n`,
    });
    const base = await project.rebake('resolve --config cpu');
    const baseManifest = eu.tags('dss/cpu/base')['dss-14.1.1'];
    expect(base.out).toBe(`eu.example.test/dss/cpu/base:dss-14.1.1@${baseManifest}\n`);
  });

  it('prints the name to pull by, where that is another than the one to push to', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    project.edit(
      'rebake.yaml',
      'url: eu.example.test/dss',
      'url: pull.example.com/mirror, pushUrl: eu.example.test/dss',
    );
    await project.rebake('apply --auto-approve');
    const { out } = await project.rebake(GLM);
    expect(readable(out)).toBe('pull.example.com/mirror/cpu/pyenv-glm:dss-14.1.1@sha256:000000000001…\n');
  });

  it('prints the name in the engine, where there is no registry', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    expect(await project.rebake(GLM)).toMatchObject({ code: EXIT.done, out: 'python/pyenv-glm:dss-14.1.1\n', err: '' });
  });

  it('tells programs the image, who runs it, and what is wrong', async () => {
    using project = rig(FLEET);
    const before = JSON.parse((await project.rebake(`${GLM} --json`)).out) as unknown;
    expect(before).toMatchObject({
      formatVersion: 1,
      status: 'not-built',
      reference: null,
      diagnostics: [{ code: 'NOT_BUILT' }],
    });
    await project.rebake('apply --auto-approve');
    const { out, err } = await project.rebake(`${GLM} --json`);
    expect(err).toBe('');
    expect(JSON.parse(out)).toEqual({
      formatVersion: 1,
      status: 'found',
      reference: 'python/pyenv-glm:dss-14.1.1',
      identity: project.engine.names.get('python/pyenv-glm:dss-14.1.1'),
      publication: 'publication/engine/python/pyenv-glm',
      runBy: 'others',
      diagnostics: [],
    });
    const base = JSON.parse((await project.rebake('resolve --config cpu --json')).out) as unknown;
    expect(base).toMatchObject({ status: 'found', runBy: 'dss-or-others' });
  });

  it('prints the old reference of an image that is out of date, and exits with a code of its own', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    project.write('kit/python/dataiku/__init__.py', '__version__ = "mended"\n');
    const ran = await project.rebake(GLM);
    expect(ran).toMatchObject({ code: EXIT.outOfDate, out: 'python/pyenv-glm:dss-14.1.1\n' });
    expect(ran.err).toContain('error[OUT_OF_DATE]: `base/python#linux/amd64` is not as declared');
  });

  it('is out of date, too, when somebody moved the tag; unless the state is trusted', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake('apply --auto-approve');
    eu.put('dss/cpu/pyenv-glm', 'dss-14.1.1', { by: 'somebody' });
    expect(await project.rebake(GLM)).toMatchObject({ code: EXIT.outOfDate });
    expect(await project.rebake(`${GLM} --refresh=false`)).toMatchObject({ code: EXIT.done });
  });

  it('does not guess when a registry does not answer', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake('apply --auto-approve');
    eu.refuses = 403;
    const ran = await project.rebake(GLM);
    expect(ran.code).toBe(EXIT.failed);
    expect(ran.err).toContain('error[OBSERVATION_UNKNOWN]');
    expect(ran.err).toContain('  help: Log in with `docker login`');
  });

  it('knows on a machine without a state what another one has published', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    using other = rig(PUBLISHED, [eu]);
    await project.rebake('apply --auto-approve');
    const { out } = await project.rebake(GLM);
    expect(await other.rebake(GLM)).toMatchObject({ code: EXIT.done, out, err: '' });
    expect(await other.rebake(`${GLM} --refresh=false`)).toMatchObject({ code: EXIT.notBuilt, out: '' });
    // And what it has published since.
    await other.rebake('apply --auto-approve');
    for (const one of [project, other]) one.edit('glm.txt', '3.1.2', '3.1.3');
    expect(await project.rebake('apply --auto-approve')).toMatchObject({ code: EXIT.done });
    const since = await project.rebake(GLM);
    expect(since.out).not.toBe(out);
    expect(await other.rebake(GLM)).toMatchObject({ code: EXIT.done, out: since.out });
  });

  it('takes one version of a versioned env', async () => {
    using project = rig({
      ...FLEET,
      'rebake.yaml': `${FLEET['rebake.yaml']}`.replace(
        /glm: \{.*\}/,
        'glm: { language: python, deployment: automation-versioned, versions: { v1: { packages: [numpy] }, v2: { packages: [scipy] } } }',
      ),
    });
    await project.rebake('apply --auto-approve');
    expect((await project.rebake('resolve --env glm:v2 --config cpu')).out).toBe('python/pyenv-glm-v2:dss-14.1.1\n');
    const none = await project.rebake(GLM);
    expect(none.code).toBe(EXIT.failed);
    expect(none.err).toBe(
      'error[UNKNOWN_ENV]: The code env `glm` has versions, and none was named\n  help: Name one of `glm:v1` and `glm:v2`.\n',
    );
  });

  it('names the nearest container config', async () => {
    using project = rig(FLEET);
    const ran = await project.rebake('resolve --env glm --config cpus');
    expect(ran).toMatchObject({ code: EXIT.failed, out: '' });
    expect(ran.err).toContain('  help: Did you mean `cpu`?\n');
  });
});
