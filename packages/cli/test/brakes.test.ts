/** `--max-failures`, `--deadline` and `--wave`: a run that stops starting things by itself, and a later one that goes on. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { failing } from './fake-builder.ts';
import { FLEET } from './fleets.ts';
import { rig, type Rig } from './rig.ts';

/** Six envs, of which each has one package of its own. */
const PACKAGES = ['scipy', 'numpy', 'pandas', 'flask', 'requests', 'click'];
const SIX = {
  ...FLEET,
  'rebake.yaml': `version: 1
release: { version: 14.1.1, kit: ./kit }
baseImages:
  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.11"] }
containerConfigs:
  cpu: { engine: docker, base: python }
codeEnvs:
${PACKAGES.map((name) => `  env-${name}: { language: python, packages: [${name}] }`).join('\n')}
builders: { default: docker }
`,
};

interface Ended {
  readonly node: string;
  readonly outcome: string;
  readonly error?: { readonly code: string };
}

/** How each env image ended. */
async function ended(project: Rig, flags: string): Promise<{ code: number; images: readonly Ended[] }> {
  const { out, code } = await project.rebake(`apply --auto-approve --json --parallelism 1 ${flags}`);
  const events = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string } & Ended);
  return { code, images: events.filter(({ type, node }) => type === 'node-settled' && node.startsWith('env/')) };
}

describe('--max-failures', () => {
  it('starts nothing more after so many failures, and a later run goes on', async () => {
    using project = rig(SIX);
    for (const name of PACKAGES) project.engine.behaviours.set(name, failing(`no ${name}`));
    const { code, images } = await ended(project, '--max-failures 2');
    expect(code).toBe(EXIT.failed);
    expect(images.filter(({ outcome }) => outcome === 'failed')).toHaveLength(2);
    const rest = images.filter(({ outcome }) => outcome === 'cancelled');
    expect(rest.map(({ error }) => error?.code)).toEqual(Array.from({ length: 4 }, () => 'MAX_FAILURES'));

    project.engine.behaviours.clear();
    const again = await project.rebake('apply --auto-approve');
    expect(again.code).toBe(EXIT.done);
    expect(again.out).toContain('6 built');
  });

  it('says how many were not started, and why', async () => {
    using project = rig(SIX);
    for (const name of PACKAGES) project.engine.behaviours.set(name, failing(`no ${name}`));
    const { out } = await project.rebake('apply --auto-approve --parallelism 1 --max-failures 1');
    expect(out).toMatch(/\d+ nodes not started: 1 failed, and no more than that are allowed/);
  });
});

describe('--deadline', () => {
  it('starts nothing more when the time is up, and lets end what runs', async () => {
    using project = rig(SIX);
    for (const name of PACKAGES) project.engine.behaviours.set(name, async () => project.clock.pass(40 * 60_000));
    const { code, images } = await ended(project, '--deadline 1h');
    expect(code).toBe(EXIT.failed);
    const built = images.filter(({ outcome }) => outcome === 'built');
    expect(built.length).toBeGreaterThan(0);
    expect(built.length).toBeLessThan(6);
    const rest = images.filter(({ outcome }) => outcome !== 'built');
    expect(new Set(rest.map(({ outcome, error }) => `${outcome} ${error?.code}`))).toEqual(
      new Set(['cancelled DEADLINE']),
    );
    project.engine.behaviours.clear();
    expect((await project.rebake('apply --auto-approve')).code).toBe(EXIT.done);
  });

  it.each(['soon', '0m', '5d'])('refuses %s', async (time) => {
    using project = rig(SIX);
    expect((await project.rebake(`apply --auto-approve --deadline ${time}`)).err).toContain('90s, 45m or 6h');
  });
});

describe('--wave', () => {
  it('builds the first ones alone, and the rest when they have succeeded', async () => {
    using project = rig(SIX);
    const order: string[] = [];
    for (const name of PACKAGES)
      project.engine.behaviours.set(name, async () => {
        order.push(`begin ${name}`);
        await Promise.resolve();
        order.push(`end ${name}`);
      });
    const ran = await project.rebake('apply --auto-approve --parallelism 6 --wave 2');
    expect(ran.code).toBe(EXIT.done);
    // Nobody else begins before both canaries have ended.
    expect(
      order
        .slice(0, 4)
        .toSorted()
        .map((step) => step.split(' ')[0]),
    ).toEqual(['begin', 'begin', 'end', 'end']);
    expect(order).toHaveLength(12);
  });

  it('starts nothing of the rest when one of the first has failed', async () => {
    using project = rig(SIX);
    for (const name of PACKAGES) project.engine.behaviours.set(name, failing(`no ${name}`));
    const { code, images } = await ended(project, '--wave 1');
    expect(code).toBe(EXIT.failed);
    expect(images.map(({ outcome, error }) => `${outcome} ${error?.code}`).toSorted()).toEqual([
      ...Array.from({ length: 5 }, () => 'cancelled WAVE_FAILED'),
      'failed STEP_FAILED',
    ]);
  });
});
