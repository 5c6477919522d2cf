/** A process of its own that takes the lock of the state named by its argument, says how that went, and stays until its input ends. */
import { openStore } from '../../src/index.ts';

const store = openStore(process.argv[2] ?? '', { now: () => 0, random: () => 'x' });
const lock = await store.lock({ pid: process.pid, host: 'child', run: 'theirs', since: '2026-01-01T00:00:00.000Z' });
process.stdout.write(`${lock.ok ? 'locked' : JSON.stringify(lock.holder)}\n`);
process.stdin.resume();
