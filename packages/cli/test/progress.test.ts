/** What a terminal shows while an apply runs, frame by frame; and the same in plain lines. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { styleText } from 'node:util';
import type { EventBody, NodeId } from '@rebake/sdk';
import { finishedText, liveReporter, plainReporter, type Reporter } from '../src/render/progress.ts';
import type { Io } from '../src/index.ts';
import { FLEET } from './fleets.ts';
import { rig } from './rig.ts';

const BASE = 'base/python#linux/amd64' as NodeId;
const GLM = 'env/python/glm@python#linux/amd64' as NodeId;
const COLUMNS = 64;

/** A screen with a reporter on it, events given by hand, and a clock moved by hand. */
interface Screen {
  readonly reporter: Reporter;
  /** Lines that stay. */
  out: string;
  /** The block below them; empty when it is cleared. */
  block: string;
  now: number;
  tell(...events: readonly EventBody[]): void;
}

function screen(kind: 'live' | 'plain', flags: { readonly verbose?: true } = {}): Screen {
  const io: Io = {
    cwd: '/',
    env: {},
    terminal: { columns: COLUMNS },
    colors: false,
    ask: null,
    signal: new AbortController().signal,
    out: (text) => void (made.out += text),
    err: () => {},
    bytes: async () => {},
    redraw: (block) => void (made.block = block ?? made.block),
  };
  const options = {
    io,
    name: (id: NodeId) => id.replace('#linux/amd64', ''),
    now: () => made.now,
    isWork: (id: NodeId) => id !== BASE,
    verbose: flags.verbose === true,
  };
  let seq = 0;
  const made: Screen = {
    reporter: kind === 'live' ? liveReporter({ ...options, columns: COLUMNS }) : plainReporter(options),
    out: '',
    block: '',
    now: 0,
    tell(...events) {
      for (const event of events)
        made.reporter.event({ formatVersion: 1, run: 'r', seq: ++seq, time: '2026-01-01T00:00:00.000Z', ...event });
    },
  };
  return made;
}

const started: EventBody = {
  type: 'run-started',
  plan: `sha256:${'0'.repeat(64)}`,
  actions: 1,
  parallelism: 8,
};
const building: EventBody = {
  type: 'node-started',
  node: GLM,
  effort: 'build',
  reasons: [],
  builder: 'docker',
  expectedMs: 90_000,
};
const progress = (more: Extract<EventBody, { type: 'node-progress' }>['progress']): EventBody => ({
  type: 'node-progress',
  node: GLM,
  progress: more,
});
const settled = (
  node: NodeId,
  outcome: Extract<EventBody, { type: 'node-settled' }>['outcome'],
  more: Partial<Extract<EventBody, { type: 'node-settled' }>> = {},
): EventBody => ({ type: 'node-settled', node, outcome, ms: 61_000, identity: null, ...more });
const busy: EventBody = {
  type: 'node-retry',
  node: GLM,
  attempt: 1,
  error: { code: 'REGISTRY_BUSY', retry: 'backoff', words: '\n429: slow down\nplease' },
  inMs: 4_000,
};

describe('the live block', () => {
  it('shows what runs, for how long of about how long, and the engine’s step', () => {
    const shown = screen('live');
    shown.reporter.tick();
    expect(shown.block).toBe('');
    shown.tell(started, building);
    expect(shown.block).toBe('0/1 done · 1 running · 0.0s\n  build env/python/glm@python  0.0s of about 1m30s');
    shown.now = 12_300;
    shown.tell(
      progress({ type: 'step', index: 2, of: 7, name: 'RUN apt\n  install' }),
      progress({ type: 'log', text: 'x' }),
    );
    shown.reporter.tick();
    expect(shown.block).toBe(
      '0/1 done · 1 running · 12s\n  build env/python/glm@python  12s of about 1m30s  2/7 RUN apt',
    );
    shown.tell(progress({ type: 'step', index: 3, name: 'RUN pip install glum scipy scikit-learn' }));
    shown.reporter.tick();
    const [, row = ''] = shown.block.split('\n');
    expect(row).toHaveLength(COLUMNS);
    expect(row).toMatch(/ {2}3 RUN pip in…$/);
    shown.tell(progress({ type: 'bytes', done: 1_500_000, of: 20_000_000 }));
    shown.reporter.tick();
    expect(shown.block).toMatch(/ {2}1\.5 of 20\.0 …$/);
    shown.tell(progress({ type: 'sent', uploaded: 12_100_000, mounted: 0, skipped: 0 }));
    shown.reporter.tick();
    expect(shown.block).toMatch(/ {2}pushed 12\.1 …$/);
    shown.tell(busy);
    expect(shown.block).toMatch(/ {2}REGISTRY_BUS…$/);
  });

  it('gives way to a line for each node that ended, and to nothing at the end', () => {
    const shown = screen('live');
    shown.tell(started, settled(BASE, 'kept'), building, settled(GLM, 'built'));
    expect(shown.block).toBe('1/1 done · 0 running · 0.0s');
    expect(shown.out).toBe('built     env/python/glm@python  1m01s\n');
    const counts = { kept: 1, adopted: 0, fetched: 0, built: 1, published: 0 };
    const none = { forgotten: 0, deleted: 0, failed: 0, skipped: 0, cancelled: 0 };
    shown.tell({ type: 'run-finished', counts: { ...counts, ...none }, ms: 61_000, interrupted: false });
    expect(shown.block).toBe('');
    shown.reporter.tick();
    shown.reporter.close();
    expect(shown.block).toBe('');
  });
});

describe('plain lines', () => {
  it('say when something starts, is tried again, and ends', () => {
    const shown = screen('plain');
    shown.tell(started, settled(BASE, 'kept'), building, progress({ type: 'step', index: 1, name: 'x' }), busy);
    const error = { code: 'STEP_FAILED', retry: 'never', words: '\n  pip: no\nmore' } as const;
    shown.tell(settled(GLM, 'failed', { error }), settled(GLM, 'skipped', { cause: BASE }), settled(GLM, 'cancelled'));
    for (const outcome of ['published', 'adopted', 'fetched', 'forgotten', 'deleted'] as const)
      shown.tell(settled(GLM, outcome));
    shown.reporter.tick();
    shown.reporter.close();
    expect(shown.out).toBe(`build     env/python/glm@python …
again     env/python/glm@python: REGISTRY_BUSY: 429: slow down
failed    env/python/glm@python  1m01s  STEP_FAILED: pip: no
skipped   env/python/glm@python  because base/python failed
cancelled env/python/glm@python
published env/python/glm@python  1m01s
adopted   env/python/glm@python  1m01s
fetched   env/python/glm@python  1m01s
forgotten env/python/glm@python  1m01s
deleted   env/python/glm@python  1m01s
`);
    expect(shown.block).toBe('');
  });
});

describe('what a push took', () => {
  const sent = { uploaded: 12_100_000, mounted: 80_400_000, skipped: 3_200 };

  it('stands behind the publication, and in the closing line', () => {
    const shown = screen('plain');
    shown.tell(settled(GLM, 'published', { sent }));
    shown.tell(settled(GLM, 'published', { sent: { uploaded: 0, mounted: 0, skipped: 999 } }));
    expect(shown.out).toBe(`published env/python/glm@python  1m01s  pushed 12.1 MB, mounted 80.4 MB, 3.2 kB were there
published env/python/glm@python  1m01s  999 B were there
`);
    const none = { kept: 0, adopted: 0, fetched: 0, forgotten: 0, deleted: 0, failed: 0, skipped: 0, cancelled: 0 };
    const finished = {
      type: 'run-finished',
      formatVersion: 1,
      run: 'r',
      seq: 9,
      time: '2026-01-01T00:00:00.000Z',
      counts: { ...none, built: 1, published: 2 },
      ms: 61_000,
      interrupted: false,
    } as const;
    const paint = (_: unknown, text: string): string => text;
    expect(finishedText({ ...finished, sent }, paint)).toBe(
      'Done: 1 built, 2 published in 1m01s; pushed 12.1 MB, mounted 80.4 MB, 3.2 kB were there.\n',
    );
    expect(finishedText(finished, paint)).toBe('Done: 1 built, 2 published in 1m01s.\n');
  });
});

describe('apply on a terminal', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  it('redraws one block, in which the steps of the engine pass by', async () => {
    using project = rig(FLEET);
    project.engine.behaviours.set('glum', async (_job, ctx) => {
      ctx.emit({ type: 'step', index: 1, of: 2, name: 'resolving packages' });
      project.clock.pass(30_000);
      vi.advanceTimersToNextTimer();
    });
    const ran = await project.rebake('apply --parallelism 1', { columns: 72, ask: async () => 'yes' });
    expect(ran).toMatchObject({ code: 0, err: '' });
    await expect(ran.frames.join('\n---\n')).toMatchFileSnapshot('golden/apply-live.txt');
    expect(ran.out).toContain('\nbuilt     env/glm  1m30s\n');
  });

  it('draws nothing while it plans and asks', async () => {
    using project = rig(FLEET);
    const ran = await project.rebake('apply', {
      columns: 72,
      ask: async () => {
        vi.advanceTimersToNextTimer();
        return 'no';
      },
    });
    expect(ran.frames).toEqual([]);
  });

  it('has colours where they are wanted', async () => {
    using project = rig(FLEET);
    const { out } = await project.rebake('apply --auto-approve', { colors: true });
    expect(out).toContain(styleText('green', '+', { validateStream: false }));
    expect(out).toContain(styleText('green', 'Done', { validateStream: false }));
  });
});
