/** Engines that are not there, and engines that die. */
import { digestOfBytes } from '@rebake/image';
import type { Calls } from '../calls.ts';
import type { Bench } from '../bench.ts';
import { candidateName } from '../../building/names.ts';
import { group, parts, steps } from '../group.ts';
import { within } from '../meeting.ts';
import { hold, matches, refused, same } from '../rules.ts';
import { rootfs, run, tinyRootfs } from '../steps.ts';

/** `never` where nothing can come up at such an address, such as a command that is not installed. */
const NOWHERE = { code: 'ENGINE_UNREACHABLE', retry: ['backoff', 'never'] } as const;
/** A daemon that is not there may come back; a command that is not installed is not mended by waiting. */
const DEAD = { code: 'ENGINE_UNREACHABLE', retry: ['backoff', 'never'] as const };
/** Milliseconds. */
const NOTICED = 15_000;

async function unreachable(bench: Bench, use: (calls: Calls) => Promise<void>): Promise<void> {
  hold(bench.rig.unreachable !== undefined, 'The rig has a builder whose engine is not there');
  await bench.using(bench.rig.unreachable(bench.place()), use);
}

async function isUnknown(bench: Bench, calls: Calls, at: Parameters<Calls['inspect']>[0]): Promise<void> {
  const seen = await calls.inspect(at);
  if (bench.rig.imagesApart === true) return hold(seen.seen !== 'yes', 'What was not built is nowhere', seen);
  hold(seen.seen === 'unknown', 'What an engine has that does not answer is unknown, and not “no”', seen);
  matches(seen.why, NOWHERE, 'It is unknown because the engine is ENGINE_UNREACHABLE');
}

export const trouble = group('unreachable', [
  {
    id: 'probe',
    title: 'says of an engine that is not there that it is unreachable',
    why: 'An engine that is being restarted is the most ordinary failure of all.',
    needs: parts('unreachable'),
    run: (bench) =>
      unreachable(bench, async (calls) => {
        await refused(calls.probe(), NOWHERE, 'Probing an engine that is not there is ENGINE_UNREACHABLE');
      }),
  },
  {
    id: 'inspect',
    title: 'does not know what an engine has that is not there',
    why: '“No” would build everything again; “unknown” says why nothing can be said.',
    needs: parts('unreachable'),
    run: (bench) =>
      unreachable(bench, async (calls) => {
        await isUnknown(bench, calls, { key: bench.key() });
        await isUnknown(bench, calls, { engine: 'whoever', name: candidateName(bench.key()) });
      }),
  },
  {
    id: 'calls',
    title: 'fails every other call on an engine that is not there in the same way',
    why: 'The kernel tries again what says that it may help, and nothing else.',
    needs: [...steps('rootfs'), ...parts('unreachable')],
    run: (bench) =>
      unreachable(bench, async (calls) => {
        const key = bench.key();
        const image = { identity: digestOfBytes('anything'), at: [{ engine: 'whoever', name: candidateName(key) }] };
        const { address: registry } = bench.rig.registries.plain;
        const job = bench.job(null, [await tinyRootfs(bench.folder(), { 'a.txt': 'a' })]);
        await refused(calls.build(job), NOWHERE, 'Building on an engine that is not there is ENGINE_UNREACHABLE');
        if (bench.rig.imagesApart === true) return;
        await refused(
          calls.push(image, { registry, repository: bench.repository(), key }),
          NOWHERE,
          'Pushing from an engine that is not there is ENGINE_UNREACHABLE',
        );
        await refused(calls.tag(image, 'rebake-conformance/a:1'), NOWHERE, 'Naming in it is ENGINE_UNREACHABLE');
      }),
  },
  {
    id: 'close',
    title: 'closes without having been used, and after having found nobody',
    why: 'A run that failed has to end like any other.',
    async run(bench) {
      await bench.rig.create(bench.place()).close();
      if (bench.rig.unreachable === undefined) return;
      await bench.rig.unreachable(bench.place()).close();
      await unreachable(bench, async (calls) => {
        await calls.probe().catch(() => undefined);
      });
    },
  },
]);

export const death = group('engine-dies', [
  {
    id: 'mid-build',
    title: 'notices within 15 s that the engine died under a build, and says that trying again may help',
    why: 'A build that waits for a dead engine waits for ever.',
    needs: [...steps('rootfs', 'run'), ...parts('ownEngine')],
    async run(bench) {
      const meeting = await bench.meeting();
      const engine = await bench.ownEngine();
      const name = bench.key();
      const { path, digest } = bench.rig.rootfs;
      await bench.using(engine.create(bench.place()), async (calls) => {
        const base = await calls.build(bench.job(null, [rootfs(path, digest)]));
        const { engine: id } = await calls.probe();
        const job = bench.job(base.output, [run(meeting.wait(name))]);
        const built = calls.build(job);
        await Promise.race([meeting.arrived(name), built]);
        await engine.kill();
        try {
          const failed = refused(
            built,
            { code: ['ENGINE_LOST', 'ENGINE_UNREACHABLE'], retry: 'backoff' },
            'A build whose engine dies is ENGINE_LOST, and trying again may help',
          );
          await within(NOTICED, failed, 'The death of an engine is noticed within 15 s');
          await isUnknown(bench, calls, { key: job.key });
          await refused(calls.probe(), DEAD, 'An engine that is dead is ENGINE_UNREACHABLE');
        } finally {
          // What an engine leaves running when it is killed must not hold the next one up.
          meeting.release(name);
          await engine.start();
        }
        same((await calls.probe()).engine, id, 'An engine that comes back is the same engine');
        const seen = await calls.inspect({ key: job.key });
        hold(seen.seen === 'no', 'Nothing is under the key of a build that its engine did not survive', seen);
      });
    },
  },
  {
    id: 'comes-back',
    title: 'builds again with the same builder when the engine has come back',
    why: 'The kernel keeps a builder for a whole run, however often its engine is restarted.',
    needs: [...steps('rootfs'), ...parts('ownEngine')],
    async run(bench) {
      const engine = await bench.ownEngine();
      await bench.using(engine.create(bench.place()), async (calls) => {
        await calls.probe();
        await engine.kill();
        try {
          await refused(calls.probe(), DEAD, 'An engine that is dead is ENGINE_UNREACHABLE');
        } finally {
          await engine.start();
        }
        const job = bench.job(null, [await tinyRootfs(bench.folder(), { 'a.txt': bench.run })]);
        const { output } = await calls.build(job);
        const seen = await calls.inspect({ key: job.key });
        hold(
          seen.seen === 'yes' && seen.value.identity === output.identity,
          'A builder whose engine was gone builds on it again',
          seen,
        );
      });
    },
  },
]);
