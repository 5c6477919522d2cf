/** What happens when somebody presses Ctrl-C: the call ends, and so does what it had begun. */
import { group, steps } from '../group.ts';
import { startHangingRegistry } from '../hanging-registry.ts';
import { within } from '../meeting.ts';
import { abortedWith, hold } from '../rules.ts';
import { run, shell, tinyRootfs } from '../steps.ts';

/** How long a call may take to end after its abort, and a process after that; milliseconds. */
const SOON = 10_000;

export const cancel = group('cancel', [
  {
    id: 'before',
    title: 'does nothing where the signal was aborted before the call',
    why: 'A run that is interrupted ends all calls that it is about to make.',
    needs: steps('rootfs'),
    async run(bench) {
      const reason = new Error('enough, before it began');
      const signal = AbortSignal.abort(reason);
      const key = bench.key();
      const job = bench.job(null, [await tinyRootfs(bench.folder(), { 'a.txt': bench.run })], { key });
      await abortedWith(bench.build(job, { signal }), reason, 'An aborted build rejects with the reason of its signal');
      await abortedWith(bench.inspect({ key }, { signal }), reason, 'An aborted question rejects with the reason, too');
      const seen = await bench.inspect({ key });
      hold(seen.seen === 'no', 'After an abort nothing is under the key', seen);
    },
  },
  {
    id: 'mid-step',
    title: 'ends a step that runs, rejects with the reason, and builds on',
    why: 'A process that goes on after Ctrl-C holds the engine, its memory and its network.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const meeting = await bench.meeting();
      const name = bench.key();
      const key = bench.key();
      const abort = new AbortController();
      const reason = new Error('enough');
      const job = bench.job(await bench.base(), [run(meeting.wait(name)), shell('echo never')], { key });
      const built = bench.build(job, { signal: abort.signal });
      await Promise.race([meeting.arrived(name), built]);
      abort.abort(reason);
      const ended = abortedWith(built, reason, 'An aborted build rejects with the reason of its signal');
      await within(SOON, ended, 'An aborted build rejects soon');
      await within(SOON, meeting.gone(name), 'The step of an aborted build ends');
      const seen = await bench.inspect({ key });
      hold(seen.seen === 'no', 'After an abort nothing is under the key', seen);
      await bench.make(await bench.base(), [shell('echo after > /after-abort.txt')]);
    },
  },
  {
    id: 'one-of-two',
    title: 'aborts one build, and not the one beside it',
    why: 'A timeout of one image is no reason to lose another.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const { parallel = 2 } = await bench.capabilities();
      if (parallel < 2) return;
      const meeting = await bench.meeting();
      const [left, right] = [bench.key(), bench.key()];
      const abort = new AbortController();
      const reason = new Error('only this one');
      const base = await bench.base();
      const stopped = bench.make(base, [run(meeting.wait(left))], { signal: abort.signal });
      const kept = bench.make(base, [run(meeting.wait(right)), shell('echo kept')]);
      await Promise.race([Promise.all([meeting.arrived(left), meeting.arrived(right)]), stopped, kept]);
      abort.abort(reason);
      await within(SOON, abortedWith(stopped, reason, 'An aborted build rejects with its reason'), 'It rejects soon');
      meeting.release(right);
      const { log } = await kept;
      hold(log.includes('kept'), 'The build beside an aborted one goes on to its end', log);
    },
  },
  {
    id: 'push',
    title: 'ends a push that hangs, rejects with the reason, and pushes on',
    why: 'A registry that does not answer must not hold a run that nobody wants any more.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const image = await bench.makeUnique();
      const registry = await startHangingRegistry(bench.rig.reach ?? '127.0.0.1');
      try {
        const abort = new AbortController();
        const reason = new Error('enough pushing');
        const to = { registry: registry.address, repository: bench.repository(), key: bench.key() };
        const pushed = bench.push(image, to, { signal: abort.signal });
        await Promise.race([registry.asked, pushed]);
        abort.abort(reason);
        const ended = abortedWith(pushed, reason, 'An aborted push rejects with the reason of its signal');
        await within(SOON, ended, 'An aborted push rejects soon');
      } finally {
        await registry.close();
      }
      const { address } = bench.rig.registries.plain;
      await bench.push(image, { registry: address, repository: bench.repository(), key: bench.key() });
    },
  },
]);
