// The lock, between real processes: one holds it, others learn who, and it dies with its process.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../src/index.ts';

let dir: string;
let children: ChildProcess[];
const me = { pid: process.pid, host: 'here', run: 'mine', since: '2026-01-01T00:00:00.000Z' };
const open = () => openStore(join(dir, 'state.db'), { now: () => 0, random: () => 'x' });

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rebake-lock-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** A process that takes the lock and says how that went, then stays. */
async function holder(): Promise<{ child: ChildProcess; said: string }> {
  const program = new URL('support/hold-lock.ts', import.meta.url).pathname;
  const child = spawn(
    process.execPath,
    ['--conditions=@rebake/source', '--no-warnings', program, join(dir, 'state.db')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  children.push(child);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: said.toString().trim() };
}

describe('lock', () => {
  it(
    'is held by one process; another learns by whom, and gets it when the holder was killed',
    { timeout: 60_000 },
    async () => {
      const { child, said } = await holder();
      expect(said).toBe('locked');
      const store = open();
      expect(await store.lock(me)).toEqual({
        ok: false,
        holder: { pid: child.pid, host: 'child', run: 'theirs', since: '2026-01-01T00:00:00.000Z' },
      });
      child.kill('SIGKILL');
      await once(child, 'exit');
      const lock = await store.lock(me);
      expect(lock.ok).toBe(true);
      expect((await holder()).said).toContain(`"pid":${process.pid}`);
      if (lock.ok) await lock.release();
      expect((await holder()).said).toBe('locked');
      await store.close();
    },
  );

  it('holds within one process too, and does not stop readers', async () => {
    const [one, two] = [open(), open()];
    const lock = await one.lock(me);
    expect(await two.lock(me)).toEqual({ ok: false, holder: me });
    expect((await two.read()).entries.size).toBe(0);
    if (lock.ok) {
      await lock.release();
      await lock.release();
    }
    const again = await two.lock(me);
    expect(again.ok).toBe(true);
    if (again.ok) await again.release();
    await one.close();
    await two.close();
  });
});
