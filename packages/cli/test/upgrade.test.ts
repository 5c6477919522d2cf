/** `rebake upgrade`: one edit in place, in YAML and in TypeScript, and the plan that follows from it. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { toldToPeople } from './declarations.ts';
import { FLEET } from './fleets.ts';
import { rig } from './rig.ts';

const NEW_KIT = {
  'kits/14.1.2/dss-version.json': '{"product_version": "14.1.2"}\n',
  'kits/14.1.2/python/dataiku/__init__.py': '__version__ = "14.1.2"\n',
};

const TYPESCRIPT = {
  ...FLEET,
  ...NEW_KIT,
  'rebake.yaml': '',
  'rebake.config.ts': `// What we run.
import { defineConfig } from '@rebake/rebake';

const python = ['3.11']; // all envs agree

export default defineConfig({
  version: 1,
  /* ask before you change it */ release: { version: '14.1.1', // since May
    kit: "./kit" },
  baseImages: { python: { type: 'container-exec', from: { rootfs: './rootfs.tar' }, python } },
  containerConfigs: { cpu: { engine: 'docker', base: 'python' } },
  codeEnvs: Object.fromEntries(['glm'].map((name) => [name, { language: 'python' as const, packages: ['scipy'] }])),
  builders: { default: 'docker' },
});
`,
};

const SEVERAL = `version: 1
releases:
  design: { version: 14.1.1 }      # people work here
  automation: { version: "14.1.0" } # and nobody here
`;

describe('upgrade', () => {
  it('edits TypeScript in place, comments and quotes as they were, and shows the difference and the plan', async () => {
    using project = rig(TYPESCRIPT);
    await project.rebake('apply --auto-approve');
    const before = project.read('rebake.config.ts');
    const ran = await project.rebake('upgrade 14.1.2 --kit ./kits/14.1.2');
    expect(ran).toMatchObject({ code: EXIT.done, err: '' });
    await expect(ran.out).toMatchFileSnapshot('golden/upgrade-typescript.txt');
    expect(project.read('rebake.config.ts')).toBe(
      before.replace("version: '14.1.1'", "version: '14.1.2'").replace('"./kit"', '"./kits/14.1.2"'),
    );
    expect(await project.rebake('apply --auto-approve')).toMatchObject({ code: EXIT.done });
    expect((await project.rebake('resolve --env glm --config cpu')).out).toBe('python/pyenv-glm:dss-14.1.2\n');
  });

  it('edits the one of several releases that was named, and asks for a name where there are several', async () => {
    using project = rig({ 'rebake.yaml': SEVERAL });
    expect(await project.rebake('upgrade 14.1.1 --release automation')).toMatchObject({ code: EXIT.done });
    expect(project.read('rebake.yaml')).toBe(SEVERAL.replace('14.1.0', '14.1.1'));
    const unnamed = await project.rebake('upgrade 14.1.2');
    expect(unnamed).toMatchObject({ code: EXIT.failed, out: '' });
    expect(unnamed.err).toContain(
      'The declaration names several releases\n  help: Name one of `design` and `automation`.\n',
    );
  });

  it('changes nothing where the declaration says so already, and shows the plan all the same', async () => {
    using project = rig(FLEET);
    const before = project.read('rebake.yaml');
    const { code, out } = await project.rebake('upgrade 14.1.1');
    expect(code).toBe(EXIT.done);
    expect(out).toMatch(/^The declaration says 14\.1\.1 already\.\n\nDSS 14\.1\.1\n/);
    expect(project.read('rebake.yaml')).toBe(before);
  });

  it('leaves the file as it is when the version is none, or a file is missing', async () => {
    using project = rig(FLEET);
    const before = project.read('rebake.yaml');
    const ran = await project.rebake('upgrade fourteen');
    expect(ran).toMatchObject({ code: EXIT.failed, out: '' });
    expect(toldToPeople(ran)).toMatchObject([{ brief: 'BAD_VALUE', help: 'Write a version such as `14.1.2`.' }]);
    expect(project.read('rebake.yaml')).toBe(before);
    expect((await project.rebake('-f nowhere.yaml upgrade 14.1.2')).err).toContain('error[CONFIG_NOT_FOUND]');
  });

  it('says that the old kit is not of the new version', async () => {
    using project = rig(FLEET);
    const ran = await project.rebake('upgrade 14.1.2');
    expect(ran.code).toBe(EXIT.failed);
    expect(ran.out).toContain('+release: { version: 14.1.2, kit: ./kit }\n');
    expect(toldToPeople(ran).map(({ brief }) => brief)).toEqual(['RELEASE_MISMATCH rebake.yaml:2:34']);
  });
});
