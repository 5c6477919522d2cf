/** What is left when everything is over: nothing in the engine, nothing in temporary folders, and a process that can end. */
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import type { Calls } from '../calls.ts';
import { group, parts, steps } from '../group.ts';
import { startHangingRegistry } from '../hanging-registry.ts';
import { within } from '../meeting.ts';
import { abortedWith, refused, RuleBroken, shown } from '../rules.ts';
import { run, shell } from '../steps.ts';
import { withTemporaryFolder } from '../temporary.ts';

/** How long an engine may take to clean up, and how often it is asked; milliseconds. */
const PATIENCE = 10_000;
const EVERY = 100;

/** Asks until nothing is left, or breaks the rule. */
async function untilNone(look: () => Promise<readonly string[]>, rule: string): Promise<void> {
  const end = Date.now() + PATIENCE;
  for (let left = await look(); left.length > 0; left = await look()) {
    if (Date.now() > end) throw new RuleBroken(rule, shown(left));
    await pause(EVERY);
  }
}

/** Works with a builder that is closed afterwards; then nothing may be in the engine that was not there before. */
async function leavesNothing(bench: Bench, work: (calls: Calls) => Promise<void>): Promise<void> {
  const { rig } = bench;
  // Made before anybody counts.
  await Promise.all([bench.base(), bench.small()]);
  const before = new Set(await rig.leftovers?.());
  await bench.using(rig.create(bench.place()), work);
  const left = async () => ((await rig.leftovers?.()) ?? []).filter((name) => !before.has(name));
  await untilNone(left, 'A builder leaves nothing in its engine but the names that it was asked for');
}

async function fails(bench: Bench, calls: Calls): Promise<void> {
  const job = bench.job(await bench.base(), [shell('echo some > /some.txt'), shell('exit 7')]);
  await refused(calls.build(job), { code: 'STEP_FAILED' }, 'A step that fails is STEP_FAILED');
}

async function isAborted(bench: Bench, calls: Calls): Promise<void> {
  const meeting = await bench.meeting();
  const name = bench.key();
  const abort = new AbortController();
  const reason = new Error('enough');
  const job = bench.job(await bench.base(), [shell('echo some > /some.txt'), run(meeting.wait(name))]);
  const built = calls.build(job, { signal: abort.signal });
  await Promise.race([meeting.arrived(name), built]);
  abort.abort(reason);
  await abortedWith(built, reason, 'An aborted build rejects with the reason of its signal');
  await within(PATIENCE, meeting.gone(name), 'The step of an aborted build ends');
}

async function pushAborted(bench: Bench, calls: Calls): Promise<void> {
  const image = await bench.makeUnique({ by: calls });
  const registry = await startHangingRegistry(bench.rig.reach ?? '127.0.0.1');
  try {
    const abort = new AbortController();
    const reason = new Error('enough pushing');
    const to = { registry: registry.address, repository: bench.repository(), key: bench.key() };
    const pushed = calls.push(image, to, { signal: abort.signal });
    await Promise.race([registry.asked, pushed]);
    abort.abort(reason);
    await abortedWith(pushed, reason, 'An aborted push rejects with the reason of its signal');
  } finally {
    await registry.close();
  }
  for (const at of image.at) await calls.remove(at);
}

/** Builds, pushes, removes and fetches an image, and removes it again. */
async function succeeds(bench: Bench, calls: Calls): Promise<void> {
  const image = await bench.makeUnique({ by: calls });
  const to = { registry: bench.rig.registries.plain.address, repository: bench.repository(), key: bench.key() };
  const manifest = await calls.push(image, to);
  for (const at of image.at) await calls.remove(at);
  const there = { registry: to.registry, repository: to.repository, manifest };
  await calls.remove(await calls.fetch({ identity: image.identity, at: [there] }, bench.key()));
}

export const leftovers = group('leftovers', [
  {
    id: 'success',
    title: 'leaves nothing in the engine of builds, pushes and fetches whose images are removed',
    why: 'Temporary names and containers fill engines until somebody prunes more than he should.',
    needs: [...steps('rootfs', 'copy'), ...parts('leftovers')],
    run: (bench) => leavesNothing(bench, (calls) => succeeds(bench, calls)),
  },
  {
    id: 'failure',
    title: 'leaves nothing in the engine of a build that failed',
    why: 'Builds fail every day.',
    needs: [...steps('rootfs', 'run'), ...parts('leftovers')],
    run: (bench) => leavesNothing(bench, (calls) => fails(bench, calls)),
  },
  {
    id: 'abort',
    title: 'leaves nothing in the engine of a build that was aborted',
    why: 'Whoever presses Ctrl-C does not come back to clean up.',
    needs: [...steps('rootfs', 'run'), ...parts('leftovers')],
    run: (bench) => leavesNothing(bench, (calls) => isAborted(bench, calls)),
  },
  {
    id: 'push-abort',
    title: 'leaves nothing in the engine of a push that was aborted',
    why: 'A name in the engine for the sake of a push has to go with it, however it ends.',
    needs: [...steps('rootfs', 'copy'), ...parts('leftovers')],
    run: (bench) => leavesNothing(bench, (calls) => pushAborted(bench, calls)),
  },
  {
    id: 'temporary-files',
    title: 'leaves no file in the temporary folder, whether it succeeds, fails or is aborted',
    why: 'Contexts are large, and a machine for CI has no other user of its disk.',
    needs: steps('rootfs', 'copy', 'run'),
    async run(bench) {
      await Promise.all([bench.base(), bench.small(), bench.meeting()]);
      const temporary = bench.folder();
      await withTemporaryFolder(temporary, async () => {
        await bench.using(bench.rig.create(bench.place()), async (calls) => {
          await succeeds(bench, calls);
          await fails(bench, calls);
          await isAborted(bench, calls);
        });
      });
      await untilNone(
        async () => readdirSync(temporary),
        'A builder leaves nothing in the temporary folder; `ctx.scratch` is the place for what ends with a call',
      );
    },
  },
  {
    id: 'open-handles',
    title: 'leaves nothing open after it was closed, so that the process can end',
    why: 'A socket or a timer that is left keeps `rebake` from coming back to the prompt.',
    needs: steps('rootfs', 'copy', 'run'),
    async run(bench) {
      await Promise.all([bench.base(), bench.small()]);
      const before = census();
      await bench.using(bench.rig.create(bench.place()), async (calls) => {
        await calls.probe();
        await succeeds(bench, calls);
        await fails(bench, calls);
      });
      const more = async () =>
        [...census()].flatMap(([name, count]) => (count > (before.get(name) ?? 0) ? [name] : []));
      await untilNone(more, 'After `close` nothing of a builder keeps the process alive');
    },
  },
]);

/** What keeps this process alive, counted by kind. */
function census(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
