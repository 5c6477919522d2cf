/** `rebake upgrade VERSION --simulate`: what goes stale and who has to do something, offline and without a trace. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { FLEET } from './fleets.ts';
import { rig } from './rig.ts';

/** Two owners, a versioned env, and interpreters that DSS 13 has and 14 has not. */
const OLD = {
  ...FLEET,
  'kit/dss-version.json': '{"product_version": "13.1.4"}\n',
  'rebake.yaml': `version: 1
release: { version: 13.1.4, kit: ./kit }
baseImages:
  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.6", "3.7", "3.9"], distribution: almalinux8, cuda: "11.2" }
containerConfigs:
  cpu: { engine: docker, base: python }
codeEnvs:
  glm: { language: python, interpreter: "3.9", packages: [scipy], owner: ada, contact: "ada@example.com" }
  soup: { language: python, interpreter: "3.7", packages: [beautifulsoup4], owner: ada, contact: "ada@example.com" }
  old: { language: python, interpreter: "3.6", packages: [six], owner: grace }
  alone: { language: python, interpreter: "3.6", packages: [six], containerConfigs: none }
  auto:
    language: python
    deployment: automation-versioned
    versions: { v1: { interpreter: "3.7", packages: [six] }, v2: { interpreter: "3.9", packages: [six] } }
builders: { default: docker }
`,
};

describe('upgrade --simulate', () => {
  it('says what goes stale and which code envs break, by owner, and changes nothing', async () => {
    using project = rig(OLD);
    expect(await project.rebake('apply --auto-approve')).toMatchObject({ code: EXIT.done });
    const before = project.read('rebake.yaml');
    const ran = await project.rebake('upgrade 14.3.2 --simulate');
    expect(ran).toMatchObject({ code: EXIT.done });
    await expect(ran.out.replaceAll(/\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d)?s\b/g, 'TIME')).toMatchFileSnapshot(
      'golden/upgrade-simulate.txt',
    );
    expect(project.read('rebake.yaml')).toBe(before);
    expect((await project.rebake('plan --refresh=false --detailed-exitcode')).code).toBe(EXIT.done);
    expect((await project.rebake('upgrade 14.3.2 --simulate --detailed-exitcode')).code).toBe(EXIT.changes);
  });

  it('says the same as JSON', async () => {
    using project = rig(OLD);
    await project.rebake('apply --auto-approve');
    const { out, code } = await project.rebake('upgrade 14.3.2 --simulate --json');
    expect(code).toBe(EXIT.done);
    const said = JSON.parse(out) as { breaks: { env: string; verdict: string }[]; stale: { kind: string }[] };
    expect(said).toMatchObject({ formatVersion: 1, from: '13.1.4', to: '14.3.2' });
    expect(said.breaks.map(({ env }) => env)).toEqual(['soup', 'old', 'auto:v1']);
    expect(said.stale.map(({ kind }) => kind)).toContain('base image');
  });

  it('finds nothing to say where the version stays, and refuses what is none or not declared', async () => {
    using project = rig(OLD);
    await project.rebake('apply --auto-approve');
    const same = await project.rebake('upgrade 13.1.4 --simulate --json');
    expect(JSON.parse(same.out)).toMatchObject({ stale: [], breaks: [] });
    expect(await project.rebake('upgrade next --simulate')).toMatchObject({ code: EXIT.failed });
    const unknown = await project.rebake('upgrade 14.3.2 --simulate --release design');
    expect(unknown.err).toContain('RELEASE_NOT_DECLARED');
  });
});
