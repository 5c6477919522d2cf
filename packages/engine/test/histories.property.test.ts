// Sound and minimal (issue 5): on random graphs and histories, what is published is what a build from scratch gives, no build was done
// that could have been left out, and then there is nothing left to do. REBAKE_HISTORIES sets the number of histories, REBAKE_SEED which ones.
import { digestOf } from '@rebake/sdk';
import type { Digest, Node, NodeId } from '@rebake/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Applied } from '../src/index.ts';
import { Bench } from './support/bench.ts';
import { edited, history, HOSTS, nodesOf, refOf } from './support/histories.ts';
import type { Declared, Happening, History, Weather } from './support/histories.ts';
import { memoryStore } from './support/memory-store.ts';
import { contentOf, remember, scratch, unavoidable } from './support/oracle.ts';

const RUNS = Number(process.env['REBAKE_HISTORIES'] ?? 1_000);
const SEED = Number(process.env['REBAKE_SEED'] ?? 5);
const CALM: Weather = { failing: 0, diesAt: null, dark: 0, force: 0, prune: false, parallelism: 3, turns: [] };

describe('any history', () => {
  it('ends in what was declared, by the least work', { timeout: 600_000 }, async () => {
    await fc.assert(fc.asyncProperty(history, live), {
      numRuns: RUNS,
      seed: SEED,
      endOnFailure: process.env['REBAKE_SHRINK'] === '0',
    });
  });
});

async function live({ reproducible, images: declared, steps }: History): Promise<void> {
  const bench = new Bench();
  const world = { bench, images: declared as readonly Declared[], moves: [0, 0, 0], lineage: 1 };
  bench.builder.reproducible = reproducible;
  try {
    for (const n of [0, 1, 2]) moveExternal(world, n);
    for (const { happens, weather } of steps) {
      for (const what of happens) happen(world, what);
      await oneApply(bench, nodesOf(world.images), weather);
    }
    // However it went: in good weather, one apply is enough.
    const nodes = nodesOf(world.images);
    await oneApply(bench, nodes, CALM);
    expect(await bench.efforts(nodes)).toEqual({});
    if (steps.every(keepsCandidates)) await checkElsewhere(bench, nodes);
  } finally {
    bench.close();
  }
}

/** Candidate names are a help, not a promise: whoever removes them, or kills rebake before it has put them, builds again elsewhere. */
function keepsCandidates({ happens, weather }: History['steps'][number]): boolean {
  return weather.diesAt === null && happens.every(({ is }) => is !== 'prune tags' && is !== 'prune manifests');
}

/** On another machine with an empty state, what is published is not built again. */
async function checkElsewhere(bench: Bench, nodes: readonly Node[]): Promise<void> {
  const other = new Bench();
  other.builder.contents = bench.builder.contents;
  for (const [name, repository] of bench.registry.repositories) other.registry.repositories.set(name, repository);
  try {
    const efforts = await other.efforts(nodes);
    const published = nodes
      .filter((node) => node.role === 'publication' && node.registry !== null)
      .flatMap(({ parents }) => parents);
    const byId = new Map(nodes.map((node) => [node.id, node]));
    // What is built on something unpublished cannot be found: nobody there knows its parent's identity.
    const findable = (id: NodeId): boolean =>
      byId.get(id)?.role === 'external' || (published.includes(id) && (byId.get(id)?.parents ?? []).every(findable));
    expect(published.filter((id) => findable(id) && efforts[id] === 'build')).toEqual([]);
  } finally {
    other.close();
  }
}

async function oneApply(bench: Bench, nodes: readonly Node[], weather: Weather): Promise<void> {
  const force = nodes
    .filter((node, at) => node.role !== 'external' && (weather.force >> (at % 8)) & 1)
    .map(({ id }) => id);
  HOSTS.forEach((host, at) => (weather.dark >> at) & 1 && bench.registry.down.add(host));
  bench.builder.down = Boolean(weather.dark & 4);
  const planned = await bench.plan(nodes, { force, prune: weather.prune });
  bench.registry.down.clear();
  bench.builder.down = false;

  const before = remember(bench);
  bench.builder.built.length = 0;
  const applied = await withWeather(bench, weather, (signal) =>
    bench.applyPlan(nodes, planned, { parallelism: weather.parallelism, signal }),
  );
  // An engine that did not answer may have been upgraded unseen: then there is something left to do, rightly.
  const undisturbed =
    !(weather.dark & 4) && weather.failing === 0 && weather.diesAt === null && planned.blockers.length === 0;
  if (applied?.is === 'done' && undisturbed) expect(applied.summary.failed).toEqual([]);
  if (applied?.is !== 'done' || !undisturbed) return;

  const byId = new Map(nodes.map((node) => [node.id, node]));
  const after = new Map([...bench.store.entries].map(([id, { output }]) => [id, output.identity]));
  checkPublished(bench, byId);
  const needed = unavoidable(nodes, before, after, new Set(force), bench.builder.contents);
  const built = [...applied.summary.outcomes].filter(([, outcome]) => outcome === 'built').map(([id]) => id);
  expect({ unneeded: built.filter((id) => !needed.has(id)) }).toEqual({ unneeded: [] });
  expect(bench.builder.built.length).toBe(built.length);
  expect(await bench.efforts(nodes)).toEqual({});
  expect(await bench.efforts(nodes, { refresh: 'none' })).toEqual({});
}

/** Every tag shows what a build from scratch would, made from the very images that the state names as parents. */
function checkPublished(bench: Bench, nodes: ReadonlyMap<NodeId, Node>): void {
  const external = (ref: string): Digest =>
    bench.registry.shown(HOSTS[0], ref.slice(HOSTS[0].length + 1).split(':')[0] ?? '', 'latest') ?? 'sha256:';
  for (const node of nodes.values()) {
    if (node.role !== 'publication') continue;
    const [image] = node.parents;
    if (image === undefined) throw new Error('a publication of nothing');
    for (const tag of node.tags) {
      const { registry, repository } = node;
      const shown =
        registry === null
          ? bench.builder.names.get(`${repository}:${tag}`)
          : bench.registry.shown(registry, repository, tag);
      expect(shown).toBe(bench.store.entries.get(image)?.output.identity);
      expect(shown && contentOf(bench, shown)).toBe(scratch(nodes, image, external));
    }
  }
  for (const node of nodes.values()) {
    if (node.role !== 'image') continue;
    const entry = bench.store.entries.get(node.id);
    for (const parent of node.parents)
      expect(entry?.parents[parent]).toBe(bench.store.entries.get(parent)?.output.identity);
  }
}

/** Runs an apply in its weather. Null: the process died. */
async function withWeather(
  bench: Bench,
  { failing, diesAt, turns }: Weather,
  run: (signal: AbortSignal) => Promise<Applied>,
): Promise<Applied | null> {
  const death = new Error('killed');
  const abort = new AbortController();
  let builds = 0;
  let commits = 0;
  bench.builder.onBuild = async (name, _job, ctx) => {
    builds += 1;
    for (let left = turns[builds % Math.max(turns.length, 1)] ?? 0; left > 0; left--)
      await new Promise((resolve) => setImmediate(resolve));
    if (diesAt && 'build' in diesAt && builds === diesAt.build) abort.abort(new Error('Ctrl-C'));
    if (ctx.signal.aborted) throw new Error('stopped');
    if ((failing >> (Number(name.split('-')[1]) % 8)) & 1) throw new Error('does not build');
  };
  bench.store.beforeCommit = () => {
    commits += 1;
    if (diesAt && 'commit' in diesAt && commits >= diesAt.commit) throw death;
  };
  try {
    return await run(abort.signal);
  } catch (error) {
    if (error !== death) throw error;
    return null;
  } finally {
    bench.builder.onBuild = () => Promise.resolve();
    bench.store.beforeCommit = () => undefined;
  }
}

interface World {
  readonly bench: Bench;
  images: readonly Declared[];
  readonly moves: number[];
  lineage: number;
}

function moveExternal({ bench, moves }: World, n: number): void {
  moves[n] = (moves[n] ?? 0) + 1;
  bench.registry.put(HOSTS[0], `upstream/${n}`, 'latest', digestOf(['upstream', refOf(n), moves[n]]));
}

function happen(world: World, what: Happening): void {
  const { bench } = world;
  const fleets = HOSTS.map((host) => bench.registry.repository(host, 'fleet'));
  switch (what.is) {
    case 'prune engine':
      return dropSome(bench.builder.names, what.mask);
    case 'rival builds':
      return rivalBuilds(world, what.mask);
    case 'prune tags':
      for (const { tags } of fleets) dropSome(tags, what.mask);
      return;
    case 'prune manifests':
      for (const { manifests, tags } of fleets) {
        dropSome(manifests, what.mask);
        for (const [tag, manifest] of tags) if (!manifests.has(manifest)) tags.delete(tag);
      }
      return;
    case 'move tag': {
      // Candidates are rebake's own: a tag of them that shows another image is not foreseen.
      const { tags, manifests } = fleets[what.tag % 2] ?? fleets[0]!;
      const names = [...tags.keys()].filter((name) => !name.startsWith('rebake-'));
      const name = names[what.tag % Math.max(names.length, 1)];
      const to = [...manifests.keys()][what.to % Math.max(manifests.size, 1)];
      if (name !== undefined && to !== undefined) tags.set(name, to);
      return;
    }
    case 'move external':
      return moveExternal(world, what.external);
    case 'lose state':
      bench.store = memoryStore(`lineage-${++world.lineage}`);
      return;
    case 'forget entry': {
      const ids = [...bench.store.entries.keys()];
      const id = ids[what.entry % Math.max(ids.length, 1)];
      if (id !== undefined) bench.store.entries.delete(id);
      return;
    }
    case 'upgrade builder':
      bench.builder.contents = bench.builder.contents === 'fake@1' ? 'fake@2' : 'fake@1';
      return;
    default:
      world.images = edited(world.images, what);
  }
}

/** Somebody else has built candidates of the same keys with a builder that is not reproducible: their names show other images now. */
function rivalBuilds({ bench: { builder } }: World, mask: number): void {
  for (const [at, [name, identity]] of [...builder.names].entries()) {
    const made = builder.origins.get(identity);
    if (!made || !name.startsWith('rebake/candidate') || !((mask >> (at % 8)) & 1)) continue;
    const rival = digestOf({ rival: identity });
    builder.origins.set(rival, made);
    builder.names.set(name, rival);
  }
}

function dropSome(map: Map<string, unknown>, mask: number): void {
  for (const [at, name] of [...map.keys()].entries()) if ((mask >> (at % 8)) & 1) map.delete(name);
}
