/**
 * The main job for real: the example fleet on a real engine with real packages, pushed to two real registries. One story, told in order: each
 * chapter goes on from where the one before left the world.
 */
import { randomBytes } from 'node:crypto';
import type { Action, Entry, Event, NodeId, Plan } from '@rebake/sdk';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fleetMachine, type Machine, type Ran } from './fleet-rig.ts';

const LONG = 1_800_000;
/** Fresh in each run: what an earlier run left in the registries is nobody's candidate here. */
const path = `fleet-${randomBytes(4).toString('hex')}`;

describeEngine('the example fleet', ['docker', 'rootfs', 'plain', 'tls'], (state) => {
  let machine: Machine;
  const eu = state.registries.plain.address;
  const us = state.registries.tls.address;

  beforeAll(async () => {
    machine = await fleetMachine(state, path, ['glm', 'gutenberg', 'image-classifier']);
    // What is built must not be adopted from an earlier run on the same engine.
    machine.write('kits/14.1.1/python/dataiku/run.py', `RUN = "${path}"\n`);
    machine.write('kits/14.1.2/python/dataiku/run.py', `RUN = "${path}"\n`);
  });
  afterAll(() => machine[Symbol.dispose]());

  it(
    'builds and publishes all but the env that cannot be installed, which fails alone with pip’s own words',
    { timeout: LONG },
    async () => {
      const { code, events } = await apply(machine);
      expect(code).toBe(1);
      expect(settled(events, 'built')).toEqual([
        'base/python',
        'base/python-gpu',
        'env/python/glm@python',
        'env/python/gutenberg@python',
        'env/python/gutenberg@python-gpu',
      ]);
      const failed = events.flatMap((event) =>
        event.type === 'node-settled' && event.outcome === 'failed' ? [event] : [],
      );
      expect(failed.map(({ node }) => short(node))).toEqual(['env/python/image-classifier@python-gpu']);
      expect(failed[0]?.error?.words).toContain('No matching distribution found for tensorflow==1.4.0');
      expect(settled(events, 'skipped')).toEqual([`publication/${eu}/${path}/python-gpu/pyenv-image-classifier`]);
      expectParentsFirst(events);
    },
  );

  it('made images in which the packages can be imported', { timeout: LONG }, async () => {
    const { out: glm } = await machine.rebake(
      'resolve',
      '--env',
      'glm',
      '--config',
      'cpu-eu',
      '--workload',
      'python-notebook',
    );
    await imports(
      machine,
      glm.trim(),
      'import glum, statsmodels.api, sklearn, flask, plotly, ipykernel, dataiku; print(dataiku.__version__)',
      '14.1.1',
    );
    const { out: gutenberg } = await machine.rebake('resolve', '--env', 'gutenberg', '--config', 'gpu-eu');
    await imports(
      machine,
      gutenberg.trim(),
      'import bs4; print(bs4.BeautifulSoup("<p>hi</p>", "html.parser").p.text)',
      'hi',
    );
  });

  it('has nothing to do once the env that cannot be installed is gone', { timeout: LONG }, async () => {
    machine.write(
      'rebake.config.ts',
      machine.read('rebake.config.ts').replace(/ {4}'image-classifier': \{\n(?: {6}.*\n)+ {4}\},\n/, ''),
    );
    expect(await machine.rebake('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
  });

  it(
    'publishes the envs set to "all" for a new container config, and does nothing else',
    { timeout: LONG },
    async () => {
      const config = machine
        .read('rebake.config.ts')
        .replace(
          "    'gpu-eu':",
          "    'extra-us': { engine: 'kubernetes', base: 'python', registry: 'us', repository: 'extra' },\n    'gpu-eu':",
        );
      machine.write('rebake.config.ts', config);
      const actions = await changes(machine);
      const expected = ['base', 'pyenv-gutenberg'].map((leaf) => `publication/${us}/${path}/extra/${leaf}`);
      expect(actions.map(({ node }) => node).toSorted()).toEqual(expected);
      const { code, events } = await apply(machine);
      expect(code).toBe(0);
      expect(settled(events, 'published')).toEqual(expected);
      expect(settled(events, 'built')).toEqual([]);
    },
  );

  it(
    'plans nothing when the local bases are pruned: everything that needs them is published',
    { timeout: LONG },
    async () => {
      await removeCandidates(machine);
      expect(await machine.rebake('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
    },
  );

  it('adopts everything from the registry on a fresh machine with an empty state', { timeout: LONG }, async () => {
    using fresh = machine.clone();
    expect(new Set((await changes(fresh)).map(({ atMost }) => atMost))).toEqual(new Set(['adopt']));
    const { code, events } = await apply(fresh);
    expect(code).toBe(0);
    expect(settled(events, 'built')).toEqual([]);
    expect(settled(events, 'published')).toEqual([]);
    expect(await fresh.rebake('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
  });

  it('fetches a pruned base instead of rebuilding it when one env changes', { timeout: LONG }, async () => {
    machine.write('envs/gutenberg/requirements.txt', 'beautifulsoup4\nsoupsieve\n');
    const { code, events } = await apply(machine, '--target', 'gutenberg@python+');
    expect(code).toBe(0);
    expect(settled(events, 'fetched')).toEqual(['base/python']);
    expect(settled(events, 'built')).toEqual(['env/python/gutenberg@python']);
  });

  it('rebuilds exactly what an upgrade makes stale, parents first, and says why', { timeout: LONG }, async () => {
    const { code: upgraded, out } = await machine.rebake('upgrade', '14.1.2', '--kit', './kits/14.1.2');
    expect(upgraded).toBe(0);
    expect(out).toContain('release/version: 14.1.1 → 14.1.2');
    const { code, events } = await apply(machine);
    expect(code).toBe(0);
    expect(settled(events, 'built')).toEqual([
      'base/python',
      'base/python-gpu',
      'env/python/glm@python',
      'env/python/gutenberg@python',
      'env/python/gutenberg@python-gpu',
    ]);
    expectParentsFirst(events);
    const { out: why } = await machine.rebake('why', 'glm@python');
    expect(why).toContain('release/version: 14.1.1 → 14.1.2');
    const { out: reference } = await machine.rebake('resolve', '--env', 'glm', '--config', 'cpu-us');
    expect(reference).toMatch(/:dss-14\.1\.2@sha256:[0-9a-f]{64}\n$/);
    await imports(machine, reference.trim(), 'import dataiku; print(dataiku.__version__)', '14.1.2');
    expect(await machine.rebake('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
  });
});

async function apply(
  machine: Machine,
  ...args: readonly string[]
): Promise<Ran & { readonly events: readonly Event[] }> {
  const ran = await machine.rebake('apply', '--auto-approve', '--json', ...args);
  const lines = ran.out.split('\n').filter((line) => line !== '');
  return { ...ran, events: lines.map((line) => JSON.parse(line) as Event) };
}

async function changes(machine: Machine): Promise<readonly Action[]> {
  const { out, err } = await machine.rebake('plan', '--json');
  expect(err).toBe('');
  return (JSON.parse(out) as Plan).actions.filter(({ atMost }) => atMost !== 'keep');
}

/** Nodes by outcome, sorted, without the platform that they all share. */
function settled(events: readonly Event[], outcome: string): readonly string[] {
  return events
    .flatMap((event) => (event.type === 'node-settled' && event.outcome === outcome ? [short(event.node)] : []))
    .toSorted();
}

function short(node: NodeId): string {
  return node.replace('#linux/amd64', '');
}

/** No image starts before its base is done, no publication before its image. */
function expectParentsFirst(events: readonly Event[]): void {
  const done = new Set<string>();
  for (const event of events) {
    if (event.type === 'node-settled') done.add(short(event.node));
    if (event.type !== 'node-started') continue;
    const base = /@([\w-]+)$/.exec(short(event.node))?.[1];
    if (base !== undefined) expect(done).toContain(`base/${base}`);
    if (short(event.node) === 'base/python-gpu') expect(done).toContain('base/python');
  }
}

/** Runs a line of Python in an image pulled by digest from its registry, as a container of DSS would. */
async function imports(machine: Machine, reference: string, line: string, says: string): Promise<void> {
  const out = await machine.docker(
    'run',
    '--rm',
    '--network',
    'none',
    '--entrypoint',
    '/opt/dataiku/code-env/bin/python',
    reference.replace(/:dss-[\d.]+@/, '@'),
    '-c',
    line,
  );
  expect(out.trim()).toBe(says);
}

/** Removes what this machine's builds left in the engine, as `docker image prune` would on a build host. */
async function removeCandidates(machine: Machine): Promise<void> {
  const { out } = await machine.rebake('state', 'list', '--json');
  const { entries } = JSON.parse(out) as { entries: Record<NodeId, Entry> };
  const places = Object.values(entries).flatMap(({ output }) => output.at);
  await machine.docker(
    'rmi',
    '--force',
    ...new Set(places.flatMap((place) => ('engine' in place ? [place.name] : []))),
  );
}
