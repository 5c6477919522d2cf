/** `rebake apply`: asking, failing, being interrupted, and what of it is told to people and to programs. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Event } from '@rebake/sdk';
import { EXIT } from '../src/index.ts';
import { failing } from './fake-builder.ts';
import { FLEET } from './fleets.ts';
import { interruption } from './interruption.ts';
import { readable } from './readable.ts';
import { rig } from './rig.ts';

const PIP = `ERROR: Could not find a version that satisfies the requirement glum==3.1.2
ERROR: No matching distribution found for glum==3.1.2
`;

describe('apply asks', () => {
  it('on a terminal, after it has shown the plan', async () => {
    using project = rig(FLEET);
    const questions: string[] = [];
    const answered = (answer: string) =>
      project.rebake('apply', {
        ask: async (question) => {
          questions.push(question);
          return answer;
        },
      });
    const no = await answered('y');
    expect(no).toMatchObject({ code: EXIT.failed, err: '' });
    expect(no.out).toMatch(/^DSS 14\.1\.1\n[^]*0 unchanged\.\n\nNothing was changed\.\n$/);
    expect(project.engine.built).toEqual([]);
    expect(await answered(' yes ')).toMatchObject({ code: EXIT.done, err: '' });
    expect(project.engine.built).toHaveLength(3);
    expect(questions).toEqual(Array(2).fill('Carry this out? Only "yes" is a yes: '));
    // Nothing to do is no question.
    expect(await answered('yes')).toMatchObject({ code: EXIT.done, out: 'Nothing to do.\n' });
    expect(questions).toHaveLength(2);
  });

  it('nobody where there is no terminal, and changes nothing then', async () => {
    using project = rig(FLEET);
    const ran = await project.rebake('apply');
    expect(ran.code).toBe(EXIT.failed);
    expect(ran.out).toContain('Plan: 3 to build');
    expect(ran.err).toBe(
      'error[CONFIRMATION_NEEDED]: nobody here can approve this plan\n  help: Read the plan, then run with `--auto-approve`, or apply a saved plan file.\n',
    );
    const forPrograms = await project.rebake('apply --json', { ask: async () => 'yes' });
    expect(forPrograms).toMatchObject({ code: EXIT.failed, err: '' });
    expect(JSON.parse(forPrograms.out)).toMatchObject({ diagnostics: [{ code: 'CONFIRMATION_NEEDED' }] });
    expect(project.engine.built).toEqual([]);
  });
});

describe('a build that fails', () => {
  it('fails alone: what stands on it is skipped, the rest goes on, and the end says what to do', async () => {
    using project = rig(FLEET);
    project.engine.behaviours.set('glum', failing(PIP));
    const ran = await project.rebake('apply --auto-approve --parallelism 1');
    expect(ran).toMatchObject({ code: EXIT.failed, err: '' });
    await expect(afterPlan(readable(ran.out))).toMatchFileSnapshot('golden/apply-failed.txt');
    expect((await project.rebake('show')).out).toMatch(/^env\/glm +never built {2}failed: STEP_FAILED$/m);

    project.engine.behaviours.clear();
    const next = await project.rebake('apply --auto-approve --parallelism 1');
    expect(next.code).toBe(EXIT.done);
    expect(next.out).toContain('Done: 1 built, 1 published, 4 kept');
    expect((await project.rebake('show')).out).not.toContain('failed');
  });

  it('shows the last lines of much, and keeps all of it in the log', async () => {
    using project = rig(FLEET);
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`).join('\n');
    project.engine.behaviours.set('glum', async (job, ctx) => {
      ctx.emit({ type: 'step', index: 1, of: 1, name: 'pip install' });
      ctx.emit({ type: 'log', text: 'Collecting glum\n' });
      await failing(lines)(job, ctx);
    });
    const { out } = await project.rebake('apply --auto-approve');
    expect(out).not.toContain('│ line 28\n');
    expect(out).toContain('│ line 29\n');
    const log = /^ {2}log: (.*)$/m.exec(out)?.[1] ?? '';
    expect(readFileSync(project.path(log), 'utf8')).toBe(`[1/1] pip install\nCollecting glum\nSTEP_FAILED: ${lines}\n`);
    expect(statSync(project.path(log)).mode & 0o777).toBe(0o600);
  });

  it('is told once for several, one after the other', async () => {
    using project = rig(FLEET);
    project.engine.behaviours.set('glum', failing(PIP));
    project.engine.behaviours.set('beautifulsoup4', failing('no space left on device', 'ENGINE_FULL'));
    const { out } = await project.rebake('apply --auto-approve --parallelism 1');
    expect(out.match(/^Next: /gm)).toHaveLength(1);
    expect(out).toMatch(/^env\/soup failed: ENGINE_FULL\n {2}│ no space left on device\n/m);
  });

  it('has its log also where it succeeded', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    const settled = await eventsOf('node-settled', project.rebake('apply --auto-approve --rebuild soup@python --json'));
    const log = settled.find(({ outcome }) => outcome === 'built')?.log ?? '';
    expect(log).toMatch(/^\$DIR\/\.rebake\/runs\/id-3\//);
    expect(readFileSync(log.replace('$DIR', project.dir), 'utf8')).toBe('[1/1] python-env\nhashed\n');
  });
});

describe('an interrupted apply', () => {
  it('cancels what runs, keeps what is done, and says how to go on', async () => {
    using project = rig(FLEET);
    const { signal, interrupt } = interruption();
    project.engine.behaviours.set('beautifulsoup4', async () => interrupt());
    const ran = await project.rebake('apply --auto-approve --parallelism 1', { signal });
    expect(ran).toMatchObject({ code: EXIT.interrupted, err: '' });
    await expect(afterPlan(readable(ran.out))).toMatchFileSnapshot('golden/apply-interrupted.txt');
    const why = await project.rebake('why soup@python');
    expect(why.out).toMatch(/last run that touched it: id-2, .*: cancelled\n/);
    expect(why.out).not.toContain('failed');

    project.engine.behaviours.clear();
    const next = await project.rebake('apply --auto-approve');
    expect(next.code).toBe(EXIT.done);
    expect(project.engine.built).toHaveLength(3);
  });

  it('adopts what the engine had finished all the same', async () => {
    using project = rig(FLEET);
    const { signal, interrupt } = interruption();
    project.engine.finishesAnyway = true;
    project.engine.behaviours.set('beautifulsoup4', async () => interrupt());
    await project.rebake('apply --auto-approve --parallelism 1', { signal });
    const built = [...project.engine.built];
    project.engine.behaviours.clear();
    const { out } = await project.rebake('plan');
    expect(out).toMatch(/─ env\/soup +adopt +new\n/);
    const next = await project.rebake('apply --auto-approve --parallelism 1');
    expect(next.out).toMatch(/^adopted {3}env\/soup {2}/m);
    expect(project.engine.built).toEqual(built);
  });
});

describe('events for programs', () => {
  it('are one JSON document a line, in order, and nothing else', async () => {
    using project = rig(FLEET);
    project.engine.behaviours.set('glum', failing(PIP));
    const ran = await project.rebake('apply --auto-approve --json --parallelism 1');
    expect(ran).toMatchObject({ code: EXIT.failed, err: '' });
    const events = ran.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Event);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    await expect(readable(events.map(brief).join('\n'))).toMatchFileSnapshot('golden/apply-events.txt');
  });

  it('are none where there is nothing to do', async () => {
    using project = rig(FLEET);
    await project.rebake('apply --auto-approve');
    expect(await project.rebake('apply --auto-approve --json')).toMatchObject({ code: EXIT.done, out: '', err: '' });
    expect(existsSync(project.path('.rebake/runs/id-3'))).toBe(false);
  });
});

/** What is printed below the plan. */
function afterPlan(out: string): string {
  return out.slice(out.indexOf('unchanged.\n\n') + 'unchanged.\n\n'.length);
}

async function eventsOf<T extends Event['type']>(
  type: T,
  run: Promise<{ readonly out: string }>,
): Promise<readonly Extract<Event, { type: T }>[]> {
  const lines = (await run).out.trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Event);
  return events.filter((event): event is Extract<Event, { type: T }> => event.type === type);
}

/** An event without what all of its run share, and without reasons, which plans tell. */
function brief({ formatVersion: _1, run: _2, seq: _3, time, ...rest }: Event): string {
  const body = 'reasons' in rest ? { ...rest, reasons: rest.reasons.length } : rest;
  return `${time.slice(11, 19)} ${JSON.stringify(body)}`;
}
