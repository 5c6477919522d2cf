/** `rebake matrix`: every code env on every container config, for people, programs, spreadsheets and browsers. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { failing } from './fake-builder.ts';
import { FLEET } from './fleets.ts';
import { rig, type Rig } from './rig.ts';

/** Envs of all kinds, one of which DSS never makes images of, and whose name looks like markup or a formula to others. */
const MIXED = {
  ...FLEET,
  'rebake.yaml': `version: 1
release: { version: 14.1.1, kit: ./kit }
baseImages:
  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.11"] }
containerConfigs:
  cpu: { engine: docker, base: python }
  gpu: { engine: docker, base: python, repository: gpu }
codeEnvs:
  glm: { language: python, packages: [scipy], jupyter: true }
  soup: { language: python, packages: [beautifulsoup4], containerConfigs: [cpu] }
  host: { language: python, deployment: design-non-managed }
  auto: { language: python, deployment: automation-versioned, versions: { v1: { packages: [six] } }, containerConfigs: [gpu] }
builders: { default: docker }
`,
};

interface Said {
  readonly rows: readonly { env: string | null; cells: readonly { config: string; status: string; why: string }[] }[];
}

async function statuses(project: Rig, flags = ''): Promise<Record<string, string>> {
  const { out } = await project.rebake(`matrix --json ${flags}`);
  const { rows } = JSON.parse(out) as Said;
  return Object.fromEntries(
    rows.map(({ env, cells }) => [env ?? 'none', cells.map(({ status }) => status).join(', ')] as const),
  );
}

describe('matrix', () => {
  it('says of each cell how things stand, before and after an apply, and when something changes', async () => {
    using project = rig(MIXED);
    expect(await statuses(project)).toEqual({
      none: 'missing, missing',
      glm: 'missing, missing',
      soup: 'missing, not selected',
      host: 'never, never',
      'auto:v1': 'not selected, missing',
    });
    // What can never be in a container keeps an apply from starting, and nobody from seeing the rest.
    project.edit('rebake.yaml', 'deployment: design-non-managed', 'packages: [flask]');
    project.engine.behaviours.set('flask', failing('no flask for anybody'));
    await project.rebake('apply --auto-approve');
    project.edit('rebake.yaml', '[scipy]', '[scipy, numpy]');
    expect(await statuses(project)).toEqual({
      none: 'current, current',
      glm: 'stale, stale',
      soup: 'current, not selected',
      host: 'failed, failed',
      'auto:v1': 'not selected, current',
    });
  });

  it('is a table with the reasons below it', async () => {
    using project = rig(MIXED);
    project.edit('rebake.yaml', '  host: { language: python, deployment: design-non-managed }\n', '');
    await project.rebake('apply --auto-approve');
    project.edit('rebake.yaml', '[scipy]', '[scipy, numpy]');
    project.edit('rebake.yaml', '  soup:', '  host: { language: python, deployment: design-non-managed }\n  soup:');
    const ran = await project.rebake('matrix');
    expect(ran).toMatchObject({ code: EXIT.done, err: '' });
    await expect(ran.out).toMatchFileSnapshot('golden/matrix.txt');
    await expect((await project.rebake('matrix --csv')).out.replaceAll('\r\n', '\n')).toMatchFileSnapshot(
      'golden/matrix.csv',
    );
  });

  it('says which envs cannot do a kind of work', async () => {
    using project = rig(MIXED);
    expect(await statuses(project, '--workload python-notebook')).toMatchObject({
      glm: 'missing, missing',
      soup: 'unfit, unfit',
      host: 'never, never',
    });
    expect((await project.rebake('matrix --workload sleeping')).code).toBe(EXIT.failed);
  });

  it('is a page in which nothing is markup but its own', async () => {
    using project = rig(MIXED);
    project.edit('rebake.yaml', '[scipy]', '["scipy @ https://example.com/<script>alert(1)</script>.whl"]');
    expect(await project.rebake('matrix --html matrix.html')).toMatchObject({ code: EXIT.done });
    const page = project.read('matrix.html');
    expect(page.match(/<script>/g)).toHaveLength(1);
    expect(page).not.toMatch(/(?:src|href)=/);
    expect(page.match(/<tr>/g)).toHaveLength(6);
    expect((await project.rebake('matrix --html missing/matrix.html')).err).toContain('FILES_REFUSED');
  });
});
