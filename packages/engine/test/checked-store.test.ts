// A state that somebody else keeps: sound answers pass as they are, and no other gets any further.
import { digestOf } from '@rebake/sdk';
import type { Capabilities, Entry, HistoryRow, LockHolder, Store } from '@rebake/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkedStore } from '../src/index.ts';
import { Bench } from './support/bench.ts';
import { memoryStore } from './support/memory-store.ts';
import { id, image } from './support/nodes.ts';

const trouble = {
  failed: (error: unknown, doing: string) => new Error(`${doing} failed: ${String(error)}`),
  broken: (what: string) => new Error(`it answered with ${what}`),
};

const entry: Entry = {
  version: 1,
  inputs: { a: { digest: digestOf('a'), shown: 'a' } },
  contents: 'fake@1',
  parents: { [id('base')]: digestOf('base') },
  output: { identity: digestOf('image'), at: [{ engine: 'e', name: 'n' }] },
  key: digestOf('key'),
  record: 'history/1',
  ms: 1,
  at: '2026-01-01T00:00:00.000Z',
  run: 'run-1',
  plan: digestOf('plan'),
};
const failure = { error: { code: 'X', retry: 'never', words: 'x' }, at: '2026', run: 'run-1' } as const;
const row: HistoryRow = {
  run: 'run-1',
  node: id('a'),
  outcome: 'built',
  reasons: [{ cause: { code: 'FORCED' }, path: [id('a')] }],
  ms: 1,
  at: '2026-01-01T00:00:00.000Z',
};
const holder: LockHolder = { pid: 7, host: 'here', run: 'run-1', since: '2026-01-01T00:00:00.000Z' };
const said: Capabilities = {
  engine: 'e',
  contents: 'fake@1',
  steps: ['run@1'],
  platforms: ['linux/amd64'],
  reproducible: true,
  lacks: ['proxy'],
  parallel: 3,
};

/** A store that answers one question in its own way. */
const store = (answers: Partial<Record<keyof Store, () => unknown>>): Store =>
  checkedStore({ ...memoryStore('lineage-1'), ...answers } as unknown as Store, trouble);

describe('a sound store', () => {
  it('is passed on as it is', async () => {
    const checked = store({});
    const { version, ...written } = entry;
    expect(await checked.commit(id('a'), written)).toEqual({ ...written, version });
    await checked.fail(id('b'), failure);
    await checked.record(row);
    await checked.remember('docker', said);
    expect(await checked.read()).toEqual({
      lineage: 'lineage-1',
      entries: new Map([['a', entry]]),
      failures: new Map([['b', failure]]),
    });
    expect(await checked.history({ node: id('a') })).toEqual([row]);
    expect(await checked.capabilities()).toEqual(new Map([['docker', said]]));
    await checked.retain(0);
    expect(await checked.history({})).toEqual([]);
    await checked.forget(id('a'));
    expect((await checked.read()).entries.size).toBe(0);
    const lock = await checked.lock(holder);
    expect(await checked.lock(holder)).toEqual({ ok: false, holder });
    if (lock.ok) await lock.release();
    expect((await checked.lock(holder)).ok).toBe(true);
    await checked.close();
  });
});

describe('a store that answers with what none can say', () => {
  const state = (more: object) => async () => ({ lineage: 'x', entries: new Map(), failures: new Map(), ...more });
  const withEntry = (more: object) => state({ entries: new Map([['a', { ...entry, ...more }]]) });

  it.each<[string, () => unknown]>([
    ['a state without a lineage', async () => null],
    ['a state without a lineage', state({ lineage: '' })],
    ['a state without maps of entries and failures', state({ entries: {} })],
    ['something of a node that has no name', state({ entries: new Map([[7, entry]]) })],
    ['an entry of a that is none', state({ entries: new Map([['a', null]]) })],
    ['an entry of a that is none', withEntry({ contents: 1 })],
    ['an entry of a that is none', withEntry({ output: { identity: 'x', at: [] } })],
    [
      'an entry of a that is none',
      withEntry({ output: { ...entry.output, at: [{ engine: 'e', name: 'x\u001b[2J' }] } }),
    ],
    ['an entry of a that is none', withEntry({ inputs: { a: { digest: 'x' } } })],
    ['an entry of a that is none', withEntry({ parents: { base: 7 } })],
    ['an entry of a that is none', withEntry({ key: 'x' })],
    ['an entry of a that is none', withEntry({ plan: null })],
    ['an entry of a that is none', withEntry({ run: 1 })],
    ['an entry of a that is none', withEntry({ record: 'x\u001b[2J' })],
    ['an entry of a without a version', withEntry({ version: 0 })],
    ['a failure of a that is none', state({ failures: new Map([['a', { error: {} }]]) })],
  ])('is told of %s', async (what, read) => {
    await expect(store({ read }).read()).rejects.toThrow(`it answered with ${what}`);
  });

  it('is told of other entries than were written', async () => {
    const { version: _, ...written } = entry;
    const commit = (answer: unknown) => store({ commit: async () => answer }).commit(id('a'), written);
    await expect(commit(undefined)).rejects.toThrow('an entry of a that is none');
    const other = { ...entry, output: { ...entry.output, identity: digestOf('other') } };
    await expect(commit(other)).rejects.toThrow('another entry of a than was written');
    await expect(commit({ ...entry, key: null })).rejects.toThrow('another entry of a than was written');
  });

  it('is told of a history and of locks that are none, and what builders said is forgotten', async () => {
    for (const history of [
      null,
      [null],
      [{ ...row, reasons: null }],
      [{ ...row, reasons: [{}] }],
      [{ ...row, run: 1 }],
    ])
      await expect(store({ history: async () => history }).history({})).rejects.toThrow('history');
    for (const lock of [null, { ok: true }, { ok: 'yes', release: () => null }])
      await expect(store({ lock: async () => lock }).lock(holder)).rejects.toThrow('lock');
    expect(await store({ lock: async () => ({ ok: false, holder: 'me' }) }).lock(holder)).toEqual({
      ok: false,
      holder: null,
    });
    await expect(store({ capabilities: async () => ({}) }).capabilities()).rejects.toThrow('no map of builders');
    const known = new Map<unknown, unknown>([
      ['docker', said],
      ['old', { ...said, lacks: ['time'] }],
      ['none', null],
      [7, said],
    ]);
    expect(await store({ capabilities: async () => known }).capabilities()).toEqual(new Map([['docker', said]]));
  });
});

describe('a store that fails', () => {
  it('is told what was done, whatever it throws and however', async () => {
    const fail = (): never => {
      throw new Error('connection lost');
    };
    await expect(store({ read: fail }).read()).rejects.toThrow('reading it failed: Error: connection lost');
    await expect(store({ forget: fail }).forget(id('a'))).rejects.toThrow('forgetting a failed: ');
    await expect(store({ retain: () => Promise.reject('x') }).retain(1)).rejects.toThrow(
      'shortening the history failed: x',
    );
    const lock = await store({ lock: async () => ({ ok: true, release: fail }) }).lock(holder);
    await expect(lock.ok ? lock.release() : null).rejects.toThrow('unlocking it failed');
    // Everything was written by then.
    await store({ close: fail }).close();
  });

  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.close());

  it('in the middle of a run ends the run, and nothing more is built', async () => {
    const memory = memoryStore('lineage-1');
    let left = 1;
    memory.beforeCommit = () => {
      if (left-- === 0) throw new Error('connection lost');
    };
    const nodes = ['a', 'b', 'c', 'd'].map((name) => image(name, []));
    const planned = await bench.plan(nodes);
    const running = bench.applyPlan(nodes, planned, { store: checkedStore(memory, trouble), parallelism: 1 });
    await expect(running).rejects.toThrow(/^writing . failed: Error: connection lost$/);
    expect(bench.builder.built).toHaveLength(2);
    expect(memory.entries.size).toBe(1);
    expect(await memory.lock(holder)).toMatchObject({ ok: true });
  });
});
