/** `rebake show` and `rebake graph`: what is declared, and what the state knows of it. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { failing } from './fake-builder.ts';
import { FLEET, PUBLISHED } from './fleets.ts';
import { readable } from './readable.ts';
import { testRegistry } from './registry.ts';
import { rig } from './rig.ts';

describe('show', () => {
  it('lists every node with its last success, or what failed', async () => {
    using project = rig(FLEET);
    project.engine.behaviours.set('beautifulsoup4', failing('no such package'));
    await project.rebake('apply --auto-approve --parallelism 1');
    const { code, out, err } = await project.rebake('show');
    expect({ code, err }).toEqual({ code: EXIT.done, err: '' });
    await expect(readable(out)).toMatchFileSnapshot('golden/show.txt');
  });

  it('shows one node in full: an image, a publication, somebody else’s image', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    project.engine.behaviours.set('glum', failing('ERROR: no such package\nERROR: really\n'));
    await project.rebake('apply --auto-approve --parallelism 1');
    for (const [name, node] of [
      ['image', 'glm@python'],
      ['publication', 'base'],
      ['external', 'debian:12'],
    ]) {
      const { out, err } = await project.rebake(`show ${node}`);
      expect(err).toBe('');
      await expect(readable(out)).toMatchFileSnapshot(`golden/show-${name}.txt`);
    }
  });

  it('says where the engine keeps its record of a build, and `why` says so too', async () => {
    using project = rig(FLEET);
    project.engine.record = 'history of the builder/x7k2';
    await project.rebake('apply --auto-approve');
    for (const command of ['show glm@python', 'why glm@python'])
      expect((await project.rebake(command)).out).toContain('record of the build: history of the builder/x7k2\n');
    expect((await project.rebake('show base/python --json')).out).toContain('"record":"history of the builder/x7k2"');
    // A publication is no build.
    expect((await project.rebake('show publication/engine/python/base')).out).not.toContain('record');
  });

  it('gives the same to programs', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    const { out } = await project.rebake('show base/python --json');
    expect(JSON.parse(out)).toMatchObject({
      formatVersion: 1,
      nodes: [
        {
          node: {
            id: 'base/python#linux/amd64',
            kind: 'base image',
            inputs: { 'release/version': { shown: '14.1.1' } },
          },
          entry: { version: 1, contents: 'fake@1', run: 'id-2' },
          failure: null,
        },
      ],
    });
  });

  it('says which nodes are like one that there is not', async () => {
    using project = rig(FLEET);
    const ran = await project.rebake('show soap');
    expect(ran).toMatchObject({ code: EXIT.failed, out: '' });
    expect(ran.err).toBe(
      'error[TARGET_UNKNOWN]: there is no node `soap`\n  help: Did you mean `env/python/soup@python#linux/amd64`?\n',
    );
    expect(JSON.parse((await project.rebake('show soap --json')).out)).toMatchObject({ formatVersion: 1 });
  });
});

describe('graph', () => {
  it('is a picture', async () => {
    using project = rig(PUBLISHED);
    const { code, out } = await project.rebake('graph --format mermaid');
    expect(code).toBe(EXIT.done);
    await expect(out).toMatchFileSnapshot('golden/graph.mermaid');
  });

  it('is a document', async () => {
    using project = rig(PUBLISHED);
    const { out } = await project.rebake('graph');
    await expect(readable(out)).toMatchFileSnapshot('golden/graph.json');
    expect((await project.rebake('graph --format json')).out).toBe(out);
  });

  it('needs a declaration without errors, and a format that there is', async () => {
    using project = rig(FLEET);
    expect((await project.rebake('graph --format dot')).err).toContain('Allowed choices are json, mermaid.\n');
    project.edit('rebake.yaml', 'base: python', 'base: pyhton');
    for (const command of ['graph', 'show', 'plan', 'apply --auto-approve', 'why glm', 'plan --json', 'show --json']) {
      const ran = await project.rebake(command);
      expect(ran.code).toBe(EXIT.failed);
      expect(ran.out + ran.err).toContain('UNKNOWN_BASE');
    }
  });
});
