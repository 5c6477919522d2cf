/**
 * A fleet on three BuildKit daemons, of which one dies at a moment that nobody chose, or hangs, or all die: every image is built, none gets a
 * name for two different results, and the command always ends. Seeds are in the names of the rounds; DISTRIBUTED_SEED plays them again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Event } from '@rebake/sdk';
import { startHosts, writeTinyRootfs, type Host, type Hosts } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { fleetOn, historyOf, identityOf, IMAGES, PARALLEL, putTag, tagsIn } from './distributed-rig.ts';
import type { Ended, Fleet, Run } from './distributed-rig.ts';
import { seeded } from './random.ts';

const HOSTS = 3;
const ROUNDS = 20;
const LONG = 300_000;
const SEED = Number(process.env['DISTRIBUTED_SEED'] ?? Math.floor(Math.random() * 1e9));

describeEngine('a fleet on three daemons', ['buildkit', 'rootfs'], (state) => {
  const root = mkdtempSync(join(tmpdir(), 'rebake-distributed-'));
  const rootfs = join(root, 'tiny.tar');
  let network: Hosts;
  let running: Run | undefined;
  /** Of a run in which nothing goes wrong. */
  let usualMs = 0;
  /** Builds that had to begin again. */
  let moved = 0;

  beforeAll(async () => {
    writeTinyRootfs(state, rootfs);
    network = await startHosts({ root, count: HOSTS });
  });
  afterEach(() => running?.kill());
  afterAll(async () => {
    await network.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const begin = (name: string): { readonly fleet: Fleet; readonly run: Run } => {
    const fleet = fleetOn(network, rootfs, join(root, name), name);
    return { fleet, run: (running = fleet.apply()) };
  };
  const all = async (what: (host: Host) => Promise<void>): Promise<void> => {
    await Promise.all(network.hosts.map(what));
  };
  const check = async (fleet: Fleet, run: Run, ended: Ended): Promise<void> => {
    moved += movesOf(run).length;
    expect(ended, ended.out).toMatchObject({ code: 0, err: '' });
    await expectWhole(network, root, fleet, run.events);
    const published = run.events.filter((event) => event.type === 'node-settled' && event.outcome === 'published');
    expect(published).toHaveLength(IMAGES);
  };

  it('is built and published, and the registry tells when a name changes', { timeout: LONG }, async () => {
    const start = performance.now();
    const { fleet, run } = begin('calm');
    const ended = await run.ended;
    usualMs = performance.now() - start;
    await check(fleet, run, ended);
    const [one = '', other = ''] = tagsIn(root, 'calm/candidates');
    await putTag(network, 'calm/candidates', one, other);
    expect(historyOf(root, 'calm/candidates', other)).toHaveLength(2);
  });

  it.each(Array.from({ length: ROUNDS }, (_, index) => SEED + index))(
    'is built though one of them is killed and comes back (seed %i)',
    { timeout: LONG },
    async (seed) => {
      const random = seeded(seed);
      const { fleet, run } = begin(`killed-${seed}`);
      const host = network.hosts[random.below(HOSTS)];
      // No event says when: at any moment of the run, and for as long as it happens to take.
      await Promise.race([run.ended, delay(random.below(usualMs))]);
      await host?.kill();
      await delay(random.below(3_000));
      await host?.start();
      await check(fleet, run, await run.ended);
    },
  );

  it('had to begin builds again in these rounds', () => {
    expect(moved).toBeGreaterThan(0);
  });

  it(`is built though one of them hangs (seed ${SEED})`, { timeout: LONG }, async () => {
    const { fleet, run } = begin('hung');
    await untilAllAreBusy(run);
    const { pid = 0 } = network.hosts[seeded(SEED).below(HOSTS)] ?? {};
    process.kill(pid, 'SIGSTOP');
    const ended = await run.ended;
    process.kill(pid, 'SIGCONT');
    await check(fleet, run, ended);
    expect(movesOf(run).join()).toContain('has not answered for');
  });

  it('is built though all of them die, when they come back', { timeout: LONG }, async () => {
    const { fleet, run } = begin('all-killed');
    await untilAllAreBusy(run);
    await all((host) => host.kill());
    await run.seen(({ type }) => type === 'node-retry');
    await all((host) => host.start());
    await check(fleet, run, await run.ended);
  });

  it(
    'fails with words about them when all of them die, and is built by the next apply',
    { timeout: LONG },
    async () => {
      const { fleet, run } = begin('all-dead');
      await untilAllAreBusy(run);
      await all((host) => host.kill());
      expect(await run.ended).toMatchObject({ code: 1 });
      const errors = run.events.flatMap((event) => (event.type === 'node-settled' && event.error ? [event.error] : []));
      expect(errors).not.toEqual([]);
      for (const { code, words } of errors) {
        expect(code).toMatch(/^ENGINE_(LOST|UNREACHABLE)$/);
        expect(network.hosts.filter(({ address }) => words.includes(address))).not.toEqual([]);
      }
      await all((host) => host.start());
      const next = (running = fleet.apply());
      expect(await next.ended).toMatchObject({ code: 0, err: '' });
      await expectWhole(network, root, fleet, next.events);
    },
  );
});

/** What the log says of builds that began again elsewhere. */
function movesOf({ events }: Run): readonly string[] {
  return events.flatMap((event) =>
    event.type === 'node-progress' && event.progress.type === 'log' && event.progress.text.includes('starts again on')
      ? [event.progress.text]
      : [],
  );
}

/** Until the first base is done, and the daemons have all that they take at once. */
async function untilAllAreBusy(run: Run): Promise<void> {
  await run.seen((event) => event.type === 'node-started' && event.effort === 'build', 1 + HOSTS * PARALLEL);
}

/** Everything is built and published, each name leads to the image that the run speaks of, and never led to another one. */
async function expectWhole(network: Hosts, root: string, fleet: Fleet, events: readonly Event[]): Promise<void> {
  const candidates = `${fleet.path}/candidates`;
  const tags = new Map<string, string>();
  for (const tag of tagsIn(root, candidates)) {
    expect(historyOf(root, candidates, tag)).toHaveLength(1);
    tags.set(await identityOf(network, candidates, tag), tag);
  }
  const settled = events.flatMap((event) => (event.type === 'node-settled' ? [event] : []));
  const [publications, images] = [true, false].map((is) =>
    settled.filter(({ node }) => node.startsWith('publication/') === is),
  );
  expect(images?.map(({ identity }) => identity).toSorted()).toEqual([...tags.keys()].toSorted());
  expect(publications).toHaveLength(IMAGES);
  expect(tags.size).toBe(IMAGES);
  for (const { node, identity } of publications ?? []) {
    const repository = node.slice(`publication/${network.registry.address}/`.length);
    const own = [tags.get(identity ?? '') ?? 'of no image', 'dss-14.1.2'];
    expect(tagsIn(root, repository)).toEqual(own.toSorted());
    for (const tag of own) {
      expect(historyOf(root, repository, tag)).toHaveLength(1);
      expect(await identityOf(network, repository, tag)).toBe(identity);
    }
  }
  expect(await fleet.plan()).toMatchObject({ code: 0 });
}
