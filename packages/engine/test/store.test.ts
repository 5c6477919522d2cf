// The state file: what is written is read again, also by another process and from the oldest schema; and it is nobody else's to read.
import { digestOf } from '@rebake/sdk';
import type { Capabilities, HistoryRow, NewEntry } from '@rebake/sdk';
import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../src/index.ts';
import { id } from './support/nodes.ts';

let dir: string;
let file: string;
const options = { now: () => 0, random: () => 'abc' };
const open = (path = file) => openStore(path, options);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rebake-store-'));
  file = join(dir, 'sub', 'state.db');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function entry(content: string): NewEntry {
  return {
    inputs: { 'packages/pandas': { digest: digestOf(content), shown: content } },
    contents: 'dockerfile@1',
    parents: { [id('base')]: digestOf('base') },
    output: { identity: digestOf(content), at: [{ engine: 'e', name: 'n' }] },
    key: digestOf(['key', content]),
    ms: 12,
    at: '2026-01-01T00:00:00.000Z',
    run: 'run-1',
    plan: digestOf('plan'),
  };
}

describe('openStore', () => {
  it('gives what was committed, with a version that rises by one and never starts again', async () => {
    const store = open();
    expect((await store.commit(id('a'), entry('1'))).version).toBe(1);
    expect((await store.commit(id('a'), entry('2'))).version).toBe(2);
    await store.forget(id('a'));
    expect((await store.read()).entries.size).toBe(0);
    expect((await store.commit(id('a'), entry('3'))).version).toBe(4);
    await store.close();
    const again = open();
    const state = await again.read();
    expect(state.lineage).toBe('0-abc');
    expect(state.entries).toEqual(new Map([['a', { ...entry('3'), version: 4 }]]));
    await again.close();
  });

  it('gives back where the engine keeps its record of a build, and forgets it with the next one that has none', async () => {
    const store = open();
    await store.commit(id('a'), { ...entry('1'), record: 'buildkit/3f2c' });
    await store.close();
    const again = open();
    expect((await again.read()).entries.get(id('a'))).toEqual({ ...entry('1'), record: 'buildkit/3f2c', version: 1 });
    await again.commit(id('a'), entry('2'));
    expect((await again.read()).entries.get(id('a'))).not.toHaveProperty('record');
    await again.close();
  });

  it('leaves out where inputs were declared', async () => {
    const store = open();
    const where = { file: 'rebake.yaml', line: 1, column: 1, path: 'x' };
    await store.commit(id('a'), { ...entry('1'), inputs: { x: { digest: digestOf(1), at: where } } });
    expect((await store.read()).entries.get(id('a'))?.inputs).toEqual({ x: { digest: digestOf(1) } });
    await store.close();
  });

  it('keeps a failure beside the last success until the next one', async () => {
    const store = open();
    const failure = {
      error: { code: 'X', retry: 'never', words: 'no' },
      at: '2026-01-01T00:00:00.000Z',
      run: 'r',
    } as const;
    await store.commit(id('a'), entry('1'));
    await store.fail(id('a'), failure);
    expect((await store.read()).failures).toEqual(new Map([['a', failure]]));
    expect((await store.read()).entries.get(id('a'))?.version).toBe(1);
    await store.commit(id('a'), entry('2'));
    expect((await store.read()).failures.size).toBe(0);
    await store.close();
  });

  it('keeps the history of the newest runs, newest first', async () => {
    const store = open();
    const row = (run: string, node: string): HistoryRow => ({
      run,
      node: id(node),
      outcome: 'built',
      reasons: [{ cause: { code: 'FORCED' }, path: [id(node)] }],
      ms: 1,
      at: '2026-01-01T00:00:00.000Z',
    });
    for (const run of ['1', '2', '3']) for (const node of ['a', 'b']) await store.record(row(run, node));
    expect(await store.history({ node: id('a'), limit: 2 })).toEqual([row('3', 'a'), row('2', 'a')]);
    expect(await store.history({ run: '1' })).toEqual([row('1', 'b'), row('1', 'a')]);
    await store.retain(2);
    expect((await store.history({})).map(({ run }) => run)).toEqual(['3', '3', '2', '2']);
    await store.close();
  });

  it('remembers what builders said', async () => {
    const store = open();
    const said: Capabilities = {
      engine: 'e',
      contents: 'dockerfile@1',
      steps: ['run@1'],
      platforms: ['linux/amd64'],
      reproducible: false,
    };
    await store.remember('docker', said);
    await store.remember('docker', { ...said, contents: 'dockerfile@2' });
    expect(await store.capabilities()).toEqual(new Map([['docker', { ...said, contents: 'dockerfile@2' }]]));
    await store.close();
  });

  it('is readable and writable by its owner only, with its side files', async () => {
    const store = open();
    await store.commit(id('a'), entry('1'));
    for (const side of ['', '-wal', '-shm']) expect(statSync(file + side).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it('reads the oldest schema', async () => {
    const old = join(dir, 'old.db');
    copyFileSync(new URL('fixtures/state-1.db', import.meta.url), old);
    const store = open(old);
    const state = await store.read();
    expect(state.lineage).toBe('oldest');
    expect(state.entries.get(id('env/python/glm'))).toEqual({ ...entry('1'), version: 3 });
    expect(state.failures.get(id('env/python/glm'))?.error.code).toBe('BUILD_FAILED');
    await store.commit(id('env/python/glm'), entry('2'));
    await store.close();
  });

  it('refuses a newer schema and a file that is no state, and leaves both as they are', async () => {
    const newer = join(dir, 'newer.db');
    const db = new DatabaseSync(newer);
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(open(newer).read()).rejects.toMatchObject({ error: { code: 'STATE_TOO_NEW' } });
    const garbage = join(dir, 'garbage.db');
    writeFileSync(garbage, 'not a database, and long enough to be taken for one by its size'.repeat(40));
    await expect(open(garbage).read()).rejects.toMatchObject({ error: { code: 'STATE_UNREADABLE' } });
  });

  it('refuses an entry that makes no sense', async () => {
    const store = open();
    await store.commit(id('a'), entry('1'));
    await store.close();
    const db = new DatabaseSync(file);
    db.exec(`UPDATE entries SET entry = '{"inputs":{}}'`);
    db.close();
    await expect(open().read()).rejects.toMatchObject({ error: { code: 'STATE_UNREADABLE' } });
  });
});
