// The scheduler alone: order, limits, priorities, failures, interruption and assumptions, with work that the test starts and ends by hand.
import { digestOf } from '@rebake/sdk';
import type { Digest, Effort, NodeId } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import type { Member, Report, Settlement, Verdict, Work } from '../src/apply/cell.ts';
import { Scheduler } from '../src/apply/scheduler.ts';
import { id } from './support/nodes.ts';

const ERROR = { code: 'BROKEN', retry: 'never', words: 'broken' } as const;
const identityOf = (name: string, version = 0): Digest => digestOf([name, version]);

interface Given {
  readonly parents?: readonly string[];
  readonly atMost?: Effort;
  readonly priority?: number;
  readonly lane?: string;
  /** Fresh as long as each parent has its first identity; `stale` whatever they are. */
  readonly stale?: Work & Extract<Verdict, { is: 'stale' }>['first'];
  readonly demand?: 'anywhere' | 'engine' | 'none';
  readonly fails?: true;
}

/** A scheduler over members in short hand, and what came out of it. */
function rig(
  given: Readonly<Record<string, Given>>,
  limits: { parallelism?: number; lanes?: Record<string, number> } = {},
) {
  const settled: Settlement[] = [];
  const judged: string[] = [];
  const done = new Set<string>();
  const members = Object.entries(given).map(
    ([name, { parents = [], atMost = 'build', priority = 0, lane, demand = 'engine' }]): Member => {
      const from = parents[0] === undefined || demand === 'none' ? null : { node: id(parents[0]), demand };
      return { id: id(name), parents: parents.map(id), from, atMost, priority, lane: lane ?? null };
    },
  );
  const judge = (node: NodeId, parents: ReadonlyMap<NodeId, Digest | null>): Verdict => {
    judged.push(node);
    const { stale, fails } = given[node] ?? {};
    if (fails) return { is: 'failed', error: ERROR };
    if (stale && !done.has(node)) return { is: 'stale', first: stale };
    const changed = [...parents].some(([parent, identity]) => identity !== identityOf(parent));
    return changed ? { is: 'stale', first: 'look' } : { is: 'fresh', identity: identityOf(node) };
  };
  const lanes = new Map(Object.entries(limits.lanes ?? {}));
  const scheduler = new Scheduler(
    members,
    { parallelism: limits.parallelism ?? 100, lanes },
    { judge, settle: (one) => settled.push(one) },
  );
  const take = (): string[] => {
    const taken: string[] = [];
    for (let next = scheduler.take(); next; next = scheduler.take()) taken.push(`${next.work} ${next.node}`);
    return taken;
  };
  const end = (what: string, report: Report): void => {
    const [work, node] = what.split(' ') as [Work, string];
    if (report.work === 'build' || report.work === 'adopt' || report.work === 'publish') done.add(node);
    scheduler.report(id(node), work, report);
  };
  return {
    scheduler,
    settled,
    judged,
    take,
    end,
    none: (node: string) => end(`look ${node}`, { work: 'look', found: null }),
    at: (node: string, place: 'engine' | 'registry' | 'nowhere') => end(`locate ${node}`, { work: 'locate', place }),
    built: (node: string, version = 0) => end(`build ${node}`, { work: 'build', identity: identityOf(node, version) }),
    failed: (what: string) => end(what, { work: 'failed', error: ERROR }),
    outcomes: () => Object.fromEntries(settled.map(({ node, outcome }) => [node, outcome])),
  };
}

describe('what is fresh', () => {
  it('is settled as kept at once where the plan keeps it, parents first, and nothing is asked', () => {
    const it = rig({
      a: { atMost: 'keep' },
      b: { parents: ['a'], atMost: 'keep' },
      c: { parents: ['a', 'b'], atMost: 'keep' },
    });
    expect(it.take()).toEqual([]);
    expect(it.settled).toEqual(['a', 'b', 'c'].map((node) => ({ node, outcome: 'kept', identity: identityOf(node) })));
    expect(it.scheduler.finished).toBe(true);
    expect(it.judged).toEqual(['a', 'b', 'c']);
  });

  it('is kept below a build that came out as it was', () => {
    const it = rig({
      a: { stale: 'build' },
      b: { parents: ['a'] },
      p: { parents: ['b'], atMost: 'publish', demand: 'anywhere' },
    });
    expect(it.take()).toEqual(['build a']);
    it.built('a');
    expect(it.take()).toEqual([]);
    expect(it.outcomes()).toEqual({ a: 'built', b: 'kept', p: 'kept' });
    expect(it.scheduler.finished).toBe(true);
  });
});

describe('what is stale', () => {
  it('is looked for, then built after its parent was located', () => {
    const it = rig({ a: {}, b: { parents: ['a'], stale: 'look' } });
    expect(it.take()).toEqual(['look b']);
    it.none('b');
    expect(it.take()).toEqual(['locate a']);
    it.at('a', 'engine');
    expect(it.take()).toEqual(['build b']);
    it.built('b', 1);
    expect(it.outcomes()).toEqual({ a: 'kept', b: 'built' });
    expect(it.scheduler.finished).toBe(true);
  });

  it('is adopted when found, without asking for its parent', () => {
    const it = rig({ a: {}, b: { parents: ['a'], stale: 'look', atMost: 'adopt' }, c: { parents: ['b'] } });
    expect(it.take()).toEqual(['look b']);
    it.end('look b', { work: 'look', found: 'registry' });
    expect(it.take()).toEqual(['adopt b']);
    it.end('adopt b', { work: 'adopt', identity: identityOf('b', 1) });
    expect(it.take()).toEqual(['look c']);
    it.none('c');
    // It is in a registry only, and the plan allows no fetch.
    expect(it.take()).toEqual([]);
    expect(it.outcomes()).toEqual({ a: 'kept', b: 'failed', c: 'skipped' });
  });

  it('fails when it needs more than the plan allows, and what rests on it is skipped', () => {
    const it = rig({ a: { stale: 'look', atMost: 'adopt' }, b: { parents: ['a'] }, c: { parents: ['b'] } });
    it.take();
    it.none('a');
    expect(it.settled).toEqual([
      {
        node: 'a',
        outcome: 'failed',
        identity: null,
        error: expect.objectContaining({ code: 'PLAN_EXCEEDED', retry: 'never' }),
      },
      { node: 'b', outcome: 'skipped', identity: null, cause: 'a' },
      { node: 'c', outcome: 'skipped', identity: null, cause: 'a' },
    ]);
    expect(it.settled[0]?.error?.words).toContain('`build`');
    expect(it.settled[0]?.error?.words).toContain('`adopt`');
  });

  it('fails where judging fails', () => {
    const it = rig({ a: { fails: true }, b: { parents: ['a'] }, c: { atMost: 'keep' } });
    expect(it.outcomes()).toEqual({ a: 'failed', b: 'skipped', c: 'kept' });
  });
});

describe('presence', () => {
  it('is asked once for many children, and fetched once', () => {
    const it = rig({
      a: { atMost: 'fetch' },
      b: { parents: ['a'], stale: 'build' },
      c: { parents: ['a'], stale: 'build' },
    });
    expect(it.take()).toEqual(['locate a']);
    it.at('a', 'registry');
    expect(it.take()).toEqual(['fetch a']);
    it.end('fetch a', { work: 'fetch' });
    expect(it.take()).toEqual(['build b', 'build c']);
    it.built('b', 1);
    it.built('c', 1);
    expect(it.outcomes()).toEqual({ a: 'fetched', b: 'built', c: 'built' });
    expect(it.settled.filter(({ node }) => node === 'a')).toHaveLength(1);
  });

  it('in a registry is enough for a publication', () => {
    const it = rig({
      a: { atMost: 'keep' },
      p: { parents: ['a'], stale: 'publish', atMost: 'publish', demand: 'anywhere' },
    });
    expect(it.take()).toEqual(['locate a']);
    it.at('a', 'registry');
    expect(it.take()).toEqual(['publish p']);
    it.end('publish p', { work: 'publish', identity: identityOf('a') });
    expect(it.outcomes()).toEqual({ a: 'kept', p: 'published' });
  });

  it('anywhere is not enough for a build that asks later: then it is fetched', () => {
    const it = rig({
      a: { atMost: 'fetch' },
      p: { parents: ['a'], stale: 'publish', atMost: 'publish', demand: 'anywhere' },
      x: { stale: 'build' },
      b: { parents: ['a', 'x'], stale: 'look' },
    });
    expect(it.take()).toEqual(['locate a', 'build x']);
    it.at('a', 'registry');
    expect(it.take()).toEqual(['publish p']);
    it.built('x');
    expect(it.take()).toEqual(['look b']);
    it.none('b');
    expect(it.take()).toEqual(['fetch a']);
  });

  it('that cannot be asked for fails the image, and skips who demanded it', () => {
    const it = rig({ a: {}, b: { parents: ['a'], stale: 'build' }, c: { parents: ['a'] } });
    it.take();
    it.failed('locate a');
    expect(it.outcomes()).toEqual({ a: 'failed', b: 'skipped', c: 'kept' });
    expect(it.scheduler.finished).toBe(true);
  });

  it('of a kept image that is gone fails it, as the plan allows nothing', () => {
    const it = rig({ a: { atMost: 'keep' }, b: { parents: ['a'], stale: 'build' } });
    it.take();
    it.at('a', 'nowhere');
    expect(it.outcomes()).toEqual({ a: 'failed', b: 'skipped' });
    expect(it.settled.map(({ outcome }) => outcome)).toEqual(['kept', 'failed', 'skipped']);
  });
});

describe('an absent image', () => {
  const family = { a: {}, b: { parents: ['a'], stale: 'look' as const }, c: { parents: ['a'] }, d: { parents: ['c'] } };

  it('is built for the child that needs it; the others are kept if it came out the same', () => {
    const it = rig(family);
    it.take();
    it.none('b');
    it.take();
    it.at('a', 'nowhere');
    expect(it.take()).toEqual(['build a']);
    it.built('a');
    expect(it.take()).toEqual(['look b']);
    it.none('b');
    expect(it.take()).toEqual(['build b']);
    it.built('b', 1);
    expect(it.outcomes()).toEqual({ a: 'built', b: 'built', c: 'kept', d: 'kept' });
  });

  it('takes its other children along if it came out different', () => {
    const it = rig(family);
    it.take();
    it.none('b');
    it.take();
    it.at('a', 'nowhere');
    it.take();
    it.built('a', 1);
    expect(it.take()).toEqual(['look b', 'look c']);
    it.none('b');
    it.none('c');
    expect(it.take()).toEqual(['build b', 'build c']);
    it.built('c', 1);
    expect(it.take()).toEqual(['look d']);
  });

  it('is built on its own absent parent, from the top', () => {
    const it = rig({ a: {}, b: { parents: ['a'] }, c: { parents: ['b'], stale: 'build' } });
    expect(it.take()).toEqual(['locate b']);
    it.at('b', 'nowhere');
    expect(it.take()).toEqual(['locate a']);
    it.at('a', 'nowhere');
    expect(it.take()).toEqual(['build a']);
    it.built('a');
    // It is fresh again, and c asks for it again: nobody needs to look a second time.
    expect(it.take()).toEqual(['build b']);
    it.built('b');
    expect(it.take()).toEqual(['build c']);
  });

  it('that nobody demands is kept', () => {
    const it = rig({ a: {}, b: { parents: ['a'] } });
    expect(it.outcomes()).toEqual({ a: 'kept', b: 'kept' });
  });

  it('holds back what rests on it until nobody can demand it any more, and no longer', () => {
    // p may be published only when a is sure not to be built again; that is decided by e, which waits for x. y has no say.
    const it = rig({
      a: {},
      c: { parents: ['a'] },
      p: { parents: ['c'], stale: 'publish', atMost: 'publish', demand: 'anywhere' },
      x: { stale: 'build' },
      y: { stale: 'build' },
      e: { parents: ['a', 'x'] },
    });
    expect(it.take()).toEqual(['locate c', 'build x', 'build y']);
    it.at('c', 'engine');
    expect(it.take()).toEqual([]);
    it.built('x');
    expect(it.take()).toEqual(['publish p']);
  });

  it('is built again under what was known when the answer comes late', () => {
    const it = rig({
      a: {},
      c: { parents: ['a'] },
      p: { parents: ['c'], stale: 'publish', atMost: 'publish', demand: 'anywhere' },
      x: { stale: 'build' },
      e: { parents: ['a', 'x'] },
    });
    it.take();
    it.at('c', 'engine');
    it.built('x', 1);
    expect(it.take()).toEqual(['look e']);
    it.none('e');
    expect(it.take()).toEqual(['locate a']);
    it.at('a', 'nowhere');
    expect(it.take()).toEqual(['build a']);
    it.built('a', 1);
    expect(it.take().toSorted()).toEqual(['look c', 'look e']);
  });

  it('drops a question that was asked under another key', () => {
    const it = rig({ a: {}, b: { parents: ['a'], stale: 'build' }, c: { parents: ['a'], stale: 'look' } });
    expect(it.take()).toEqual(['locate a', 'look c']);
    it.at('a', 'nowhere');
    expect(it.take()).toEqual(['build a']);
    it.built('a', 1);
    expect(it.take()).toEqual(['build b']);
    it.end('look c', { work: 'look', found: 'engine' });
    expect(it.take()).toEqual(['look c']);
  });

  it('drops a question that has not been asked yet', () => {
    const it = rig(
      { a: {}, b: { parents: ['a'], stale: 'build' }, c: { parents: ['a'], stale: 'look', priority: -1 } },
      { parallelism: 1 },
    );
    expect(it.take()).toEqual(['locate a']);
    it.at('a', 'nowhere');
    expect(it.take()).toEqual(['build a']);
    it.built('a', 1);
    expect(it.take()).toEqual(['build b']);
    it.built('b', 1);
    expect(it.take()).toEqual(['look c']);
    it.none('c');
    expect(it.take()).toEqual(['build c']);
    it.built('c', 1);
    expect(it.scheduler.finished).toBe(true);
    expect(it.outcomes()).toEqual({ a: 'built', b: 'built', c: 'built' });
  });

  it('that was adopted and is nowhere is built when somebody demands it', () => {
    const it = rig({ a: { stale: 'look' }, b: { parents: ['a'] } });
    it.take();
    it.end('look a', { work: 'look', found: 'nowhere' });
    expect(it.take()).toEqual(['adopt a']);
    it.end('adopt a', { work: 'adopt', identity: identityOf('a', 1) });
    expect(it.take()).toEqual(['look b']);
    it.none('b');
    expect(it.take()).toEqual(['build a']);
    it.built('a', 2);
    expect(it.take()).toEqual(['look b']);
    it.none('b');
    expect(it.take()).toEqual(['build b']);
    it.built('b', 1);
    expect(it.outcomes()).toEqual({ a: 'built', b: 'built' });
    expect(it.scheduler.finished).toBe(true);
  });

  it('goes on when two nodes wait for each other', () => {
    const it = rig({
      p: {},
      z: {},
      f: { atMost: 'keep' },
      x: { parents: ['f', 'p'], stale: 'build' },
      y: { parents: ['f', 'z'], stale: 'build' },
      w: { parents: ['p', 'y'] },
      v: { parents: ['z', 'x'] },
    });
    expect(it.take()).toEqual(['locate f']);
    it.at('f', 'engine');
    expect(it.take()).toEqual(['build x', 'build y']);
    it.built('x', 1);
    it.built('y', 1);
    expect(it.take().toSorted()).toEqual(['look v', 'look w']);
    it.none('w');
    expect(it.take()).toEqual(['locate p']);
    it.at('p', 'nowhere');
    // x was built on what p was thought to be: it is judged again when p is there.
    it.none('v');
    expect(it.take()).toContain('build p');
    it.built('p', 1);
    expect(it.take()).toContain('look x');
  });
});

describe('limits', () => {
  const three = {
    a: { stale: 'build' as const, lane: 'one', priority: 1 },
    b: { stale: 'build' as const, lane: 'one', priority: 3 },
    c: { stale: 'build' as const, lane: 'two', priority: 2 },
  };

  it('start the longest path first', () => {
    const it = rig(three);
    expect(it.take()).toEqual(['build b', 'build c', 'build a']);
  });

  it('hold for the run', () => {
    const it = rig(three, { parallelism: 2 });
    expect(it.take()).toEqual(['build b', 'build c']);
    expect(it.scheduler.running).toBe(2);
    it.built('c');
    expect(it.take()).toEqual(['build a']);
  });

  it('hold for each builder, without holding up the others', () => {
    const it = rig(three, { lanes: { one: 1 } });
    expect(it.take()).toEqual(['build b', 'build c']);
    it.failed('build b');
    expect(it.take()).toEqual(['build a']);
  });

  it('of builders bound builds and fetches, not questions', () => {
    const it = rig(
      {
        a: { lane: 'one', atMost: 'fetch' },
        b: { parents: ['a'], stale: 'look', lane: 'one' },
        x: { stale: 'build', lane: 'one', priority: -1 },
      },
      { lanes: { one: 1 } },
    );
    expect(it.take()).toEqual(['look b', 'build x']);
    it.none('b');
    expect(it.take()).toEqual(['locate a']);
    it.at('a', 'registry');
    expect(it.take()).toEqual([]);
    it.built('x');
    expect(it.take()).toEqual(['fetch a']);
  });
});

describe('a failure', () => {
  it('skips what rests on it, names itself as the cause, and lets the rest go on', () => {
    const it = rig({ a: { stale: 'build' }, b: { parents: ['a'] }, c: { parents: ['b'] }, x: { stale: 'build' } });
    it.take();
    it.failed('build a');
    it.built('x');
    expect(it.settled).toEqual([
      { node: 'a', outcome: 'failed', identity: null, error: ERROR },
      { node: 'b', outcome: 'skipped', identity: null, cause: 'a' },
      { node: 'c', outcome: 'skipped', identity: null, cause: 'a' },
      { node: 'x', outcome: 'built', identity: identityOf('x') },
    ]);
    expect(it.scheduler.finished).toBe(true);
  });
});

describe('vanished nodes', () => {
  it('come after everything else', () => {
    const it = rig({ a: { stale: 'build' }, old: { atMost: 'forget' }, older: { atMost: 'delete' } });
    expect(it.take()).toEqual(['build a']);
    it.failed('build a');
    expect(it.take()).toEqual(['forget old', 'delete older']);
    it.end('forget old', { work: 'forget' });
    expect(it.scheduler.finished).toBe(false);
    it.end('delete older', { work: 'delete' });
    expect(it.outcomes()).toEqual({ a: 'failed', old: 'forgotten', older: 'deleted' });
    expect(it.scheduler.finished).toBe(true);
  });
});

describe('stopping', () => {
  it('starts nothing more, waits for what runs, and cancels the rest', () => {
    const it = rig(
      {
        a: { stale: 'build' },
        b: { parents: ['a'] },
        x: { stale: 'build' },
        k: { atMost: 'keep' },
        u: {},
        old: { atMost: 'forget' },
      },
      { parallelism: 2 },
    );
    expect(it.take()).toEqual(['build a', 'build x']);
    it.scheduler.stop();
    expect(it.scheduler.finished).toBe(false);
    it.built('a', 1);
    expect(it.take()).toEqual([]);
    it.end('build x', { work: 'cancelled', error: ERROR });
    expect(it.scheduler.finished).toBe(true);
    expect(it.outcomes()).toEqual({
      a: 'built',
      b: 'cancelled',
      x: 'cancelled',
      k: 'kept',
      u: 'kept',
      old: 'cancelled',
    });
    expect(it.settled.find(({ node }) => node === 'b')?.error?.code).toBe('INTERRUPTED');
    expect(it.settled.find(({ node }) => node === 'x')?.error).toEqual(ERROR);
  });

  it('cancels what rests on something cancelled, and does not call it skipped', () => {
    const it = rig({ a: { stale: 'build' }, b: { parents: ['a'] } });
    it.take();
    it.end('build a', { work: 'cancelled', error: ERROR });
    expect(it.outcomes()).toEqual({ a: 'cancelled', b: 'cancelled' });
  });

  it('ends at once when nothing runs', () => {
    const it = rig({ a: { stale: 'build' } });
    it.scheduler.stop();
    expect(it.take()).toEqual([]);
    expect(it.outcomes()).toEqual({ a: 'cancelled' });
  });
});

describe('mistakes of the caller', () => {
  it('are refused: unknown parents, work that nobody was given, reports of other work', () => {
    expect(() => rig({ b: { parents: ['a'] } })).toThrow(/a is not in the plan/);
    const it = rig({ a: { stale: 'build' } });
    expect(() => it.built('a')).toThrow(/nobody was told/);
    it.take();
    expect(() => it.end('look a', { work: 'look', found: null })).toThrow(/nobody was told/);
    expect(() => it.end('build a', { work: 'fetch' })).toThrow(/other work/);
    const other = rig({ a: {}, b: { parents: ['a'], stale: 'build' } });
    other.take();
    expect(() => other.end('locate a', { work: 'look', found: null })).toThrow(/its place/);
  });
});
