/** The conformance suite itself, as far as it goes without an engine: what is asked of whom, and what a rig has to say. */
import { execFileSync } from 'node:child_process';
import { digestOfBytes } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import type { Builder } from '../src/index.ts';
import { BEHAVIOURS, RuleBroken, runBehaviours, testBuilder } from '../src/testing/index.ts';
import { failed, NOTHING, stubBuilder, stubRig } from './stub-builder.ts';

/** What each behaviour that failed said. */
function brokenIn(outcomes: Awaited<ReturnType<typeof runBehaviours>>): Record<string, string> {
  const broken = [...outcomes].flatMap(([id, outcome]) =>
    outcome.ok ? [] : [[id, outcome.error instanceof Error ? outcome.error.message : String(outcome.error)]],
  );
  return Object.fromEntries(broken) as Record<string, string>;
}

describe('the behaviours', () => {
  it('are many, and each has an id of its own, a title and a reason', () => {
    expect(BEHAVIOURS.length).toBeGreaterThanOrEqual(40);
    const ids = BEHAVIOURS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, group, title, why } of BEHAVIOURS) {
      expect(id).toMatch(/^[a-z-]+\/[a-z-]+$/);
      expect(id.startsWith(`${group}/`)).toBe(true);
      expect(title).toMatch(/^[a-z].*[^.]$/);
      expect(why).toMatch(/^[A-Z“].*\.$/);
    }
  });
});

describe('a builder that can do nothing and says so', () => {
  it('passes: it is asked that it refuses what it does not offer', async () => {
    const outcomes = await runBehaviours(stubRig());
    expect(brokenIn(outcomes)).toEqual({});
    expect([...outcomes.keys()]).toEqual(BEHAVIOURS.map(({ id }) => id));
  });

  it('fails where it does such a job all the same', async () => {
    const output = { identity: digestOfBytes('x'), at: [{ engine: 'stub', name: 'x:y' }] };
    const outcomes = await runBehaviours(stubRig({ build: async () => output }), ['build/rootfs', 'probe/answers']);
    expect(brokenIn(outcomes)).toEqual({
      'build/rootfs': expect.stringMatching(/does not list the step rootfs refuses/) as string,
    });
  });

  it('fails where something is under the key of what it refused', async () => {
    const value = { identity: digestOfBytes('x'), at: [{ engine: 'stub', name: 'x:y' }] };
    const outcomes = await runBehaviours(stubRig({ inspect: async () => ({ seen: 'yes', value }) }), ['build/rootfs']);
    expect(brokenIn(outcomes)).toEqual({
      'build/rootfs': expect.stringMatching(/After a refusal nothing is under the key/) as string,
    });
  });

  it('fails where it refuses in a way that makes the kernel try again', async () => {
    const build = async () => {
      throw failed('STEP_UNSUPPORTED', 'backoff');
    };
    const outcomes = await runBehaviours(stubRig({ build }), ['build/rootfs']);
    expect(brokenIn(outcomes)['build/rootfs']).toMatch(/wanted: code STEP_UNSUPPORTED, retry never,elsewhere/);
  });
});

describe('an answer that is none', () => {
  it.each([
    [{ engine: '' }, /engine id/],
    [{ contents: 'stub' }, /contents class/],
    [{ steps: ['run'] }, /name@version/],
    [{ platforms: ['linux/arm64'] }, /platforms/],
    [{ lacks: ['sleep'] }, /lacking/],
    [{ parallel: 0 }, /parallel/],
  ])('%o fails where it is looked at', async (wrong, message) => {
    const probe = async () => ({ ...NOTHING, ...wrong }) as never;
    const outcomes = await runBehaviours(stubRig({ probe }), ['probe/answers', 'unreachable/probe']);
    expect(brokenIn(outcomes)).toEqual({ 'probe/answers': expect.stringMatching(message) as string });
  });
});

describe('what a rig leaves out', () => {
  // It knows the steps, so that only the part is missing.
  const probe = async () => ({ ...NOTHING, steps: ['rootfs@1', 'copy@1', 'run@1'] });

  it('has to be named with a reason', async () => {
    const outcomes = await runBehaviours(stubRig({ probe }), ['registry/push-tls', 'engine-dies/mid-build']);
    expect(brokenIn(outcomes)).toEqual({
      'registry/push-tls': expect.stringMatching(/The rig gives tls/) as string,
      'engine-dies/mid-build': expect.stringMatching(/The rig gives ownEngine/) as string,
    });
  });

  it('is not asked for when it is', async () => {
    const without = { 'registry/push-tls': 'no certificates here', 'engine-dies/mid-build': 'no engine to kill' };
    const outcomes = await runBehaviours(stubRig({ probe }, { without }), Object.keys(without));
    expect(brokenIn(outcomes)).toEqual({});
  });
});

describe('images that are kept apart from what builds them', () => {
  it('may be known while nothing can be built', async () => {
    const unreachable = () => {
      const dead = stubRig().unreachable({ dir: '/nowhere', env: {} });
      return stubBuilder({ probe: (ctx) => dead.probe(ctx) });
    };
    const asked = ['unreachable/probe', 'unreachable/inspect'];
    const broken = brokenIn(await runBehaviours(stubRig({}, { unreachable }), asked));
    expect(Object.keys(broken)).toEqual(['unreachable/inspect']);
    expect(broken['unreachable/inspect']).toMatch(/is unknown, and not “no”[^]*why it matters: /);
    expect(brokenIn(await runBehaviours(stubRig({}, { unreachable, imagesApart: true }), asked))).toEqual({});
  });
});

describe('a behaviour that is said to be impossible', () => {
  it('has to be', async () => {
    const rig = stubRig({}, { without: { 'inspect/missing': 'nobody can look' } });
    expect(brokenIn(await runBehaviours(rig, ['inspect/missing']))).toEqual({
      'inspect/missing': expect.stringMatching(/is not to be listed in `without`/) as string,
    });
  });

  it('has to be refused, and not done wrong', async () => {
    const without = { 'inspect/missing': 'nobody can look' };
    const value = { identity: digestOfBytes('x'), at: [{ engine: 'stub', name: 'x:y' }] };
    const wrong = stubRig({ inspect: async () => ({ seen: 'yes', value }) }, { without });
    expect(brokenIn(await runBehaviours(wrong, ['inspect/missing']))).toHaveProperty('inspect/missing');
    const inspect = async () => {
      throw failed('ENGINE_UNSUPPORTED', 'never');
    };
    const refusing = stubRig({ inspect }, { without });
    expect(brokenIn(await runBehaviours(refusing, ['inspect/missing']))).toEqual({});
  });

  it('has to be one that there is', async () => {
    const rig = stubRig({}, { without: { 'no/such': 'a typing error' } });
    await expect(runBehaviours(rig)).rejects.toThrow('no such behaviours: no/such');
    await expect(runBehaviours(stubRig(), ['no/such'])).rejects.toThrow('no such behaviours');
    expect(() => testBuilder(rig)).toThrow('no such behaviours');
  });
});

describe('what a builder lacks', () => {
  it('it has to refuse', async () => {
    const steps = ['rootfs@1', 'copy@1', 'run@1'];
    const probe = async () => ({ ...NOTHING, steps, lacks: ['secrets'] as const });
    const output = { identity: digestOfBytes('x'), at: [{ engine: 'stub', name: 'x:y' }] };
    const outcomes = await runBehaviours(stubRig({ probe, build: async () => output }), ['secrets/do-not-leak']);
    expect(brokenIn(outcomes)).toEqual({
      'secrets/do-not-leak': expect.stringMatching(/lacks `secrets` refuses jobs/) as string,
    });
    const build: Builder['build'] = async ({ access }, ctx) => {
      if (Object.keys(access.secrets).length > 0) return stubBuilder().build({} as never, ctx);
      return output;
    };
    expect(brokenIn(await runBehaviours(stubRig({ probe, build }), ['secrets/do-not-leak']))).toEqual({});
  });
});

describe('the suite', () => {
  it('runs in a process without vitest, and says what `testBuilder` is for', () => {
    const script = `import { BEHAVIOURS, runBehaviours, testBuilder } from '@rebake/sdk/testing';
      import { stubRig } from './stub-builder.ts';
      try { testBuilder(stubRig()); } catch (error) { console.log(error.message); }
      console.log([...(await runBehaviours(stubRig())).values()].every(({ ok }) => ok), BEHAVIOURS.length);`;
    const { VITEST: _vitest, ...env } = process.env;
    const argv = ['--conditions=@rebake/source', '--input-type=module', '--eval', script];
    const said = execFileSync(process.execPath, argv, { cwd: import.meta.dirname, env, encoding: 'utf8' });
    expect(said).toBe(
      `testBuilder is for test files of vitest; elsewhere, use runBehaviours\ntrue ${BEHAVIOURS.length}\n`,
    );
  });

  it('names the rule that was broken, and what was seen instead', () => {
    const { message, name } = new RuleBroken('Lines arrive in order', '[2, 1]');
    expect({ message, name }).toEqual({ message: 'Lines arrive in order\n  seen: [2, 1]', name: 'RuleBroken' });
  });
});

testBuilder(stubRig());
