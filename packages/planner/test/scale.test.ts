import { describe, expect, it } from 'vitest';
import type { Digest, Node, NodeId, State, World } from '@rebake/sdk';
import { buildGraph, plan } from '../src/index.ts';
import { assess, type Question } from '../src/situation.ts';
import { spread } from '../src/spread.ts';
import { DOCKER, id, image, inRegistry, publication, Scene } from './scene.ts';

function identityOf(node: string): Digest {
  return `sha256:identity of ${node}`;
}

/** Everything built once and for all: cheap, because there is much of it. */
function builtAll(nodes: readonly Node[]): Scene {
  const scene = new Scene(...nodes);
  for (const node of nodes) {
    const identity = identityOf(node.role === 'publication' ? (node.parents[0] ?? '') : node.id);
    scene.entries.set(node.id, {
      version: 1,
      inputs: node.inputs,
      contents: node.role === 'image' ? DOCKER.contents : '',
      parents: Object.fromEntries(node.parents.map((parent) => [parent, identityOf(parent)])),
      output: { identity, at: [] },
      key: null,
      at: '2026-01-01T00:00:00.000Z',
      run: 'run-1',
      plan: 'sha256:plan-1',
    });
    scene.outputs.set(
      node.id,
      node.id.startsWith('base/') ? { seen: 'no' } : { seen: 'yes', value: { identity, at: [PLACE] } },
    );
  }
  return scene;
}

/** Envs on ten bases, each published; everything built, bases gone from the engine. */
function fleet(envs: number): Scene {
  const nodes: Node[] = Array.from({ length: 10 }, (_, at) => image(`base/${at}`));
  for (let at = 0; at < envs; at++)
    nodes.push(image(`env/${at}`, [`base/${at % 10}`]), publication(`pub/${at}`, `env/${at}`));
  return builtAll(nodes);
}

interface Reads {
  readonly state: State;
  readonly world: World;
  count(): number;
}

/** The same scene, counting how often it is read. */
function counted(scene: Scene): Reads {
  let reads = 0;
  const counting = <K, V>(map: ReadonlyMap<K, V>): ReadonlyMap<K, V> =>
    new Proxy(map, {
      get(target, name) {
        reads++;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const world = scene.world();
  const state = scene.state();
  return {
    state: { ...state, entries: counting(state.entries) },
    world: {
      ...world,
      outputs: counting(world.outputs),
      candidates: counting(world.candidates),
      builders: counting(world.builders),
    },
    count: () => reads,
  };
}

const PLACE = inRegistry('somewhere');

// Counts are what is tested; the time only allows for other work on the machine.
describe('the work of a plan grows with nodes and edges', { timeout: 60_000 }, () => {
  function steps(scene: Scene, forced: readonly NodeId[]): number {
    const graph = buildGraph(scene.nodes);
    const question: Question = {
      needs: [],
      graph,
      state: scene.state(),
      world: scene.world(),
      forced: new Set(forced),
      wanted: null,
    };
    return spread(question, assess(question, new Map())).steps;
  }

  it('for a fleet in which everything may change: each edge is walked at most twice', () => {
    const bases = Array.from({ length: 10 }, (_, at) => id(`base/${at}`));
    for (const envs of [100, 5_000]) {
      const scene = fleet(envs);
      const walked = steps(scene, bases);
      expect(walked).toBeGreaterThanOrEqual(2 * envs);
      expect(walked).toBeLessThanOrEqual(2 * (2 * envs + 10));
    }
  });

  it('reads state and world a bounded number of times a node', () => {
    for (const envs of [100, 5_000]) {
      const scene = fleet(envs);
      const reads = counted(scene);
      const { plan: made } = plan(scene.nodes, reads.state, reads.world, { force: [id('env/0'), id('env/1')] });
      expect(made.actions.filter(({ atMost }) => atMost === 'build').length).toBe(2 + (2 * envs) / 10);
      expect(reads.count()).toBeLessThanOrEqual(5 * scene.nodes.length);
    }
  });

  it('for 10,000 nodes in one chain: paths are cut, the leaf stays', () => {
    const nodes = Array.from({ length: 10_000 }, (_, at) =>
      image(`n/${String(at).padStart(5, '0')}`, at === 0 ? [] : [`n/${String(at - 1).padStart(5, '0')}`]),
    );
    const scene = builtAll(nodes);
    const { plan: made } = scene.planned({ force: [id('n/00000')] });
    const path = made.actions.at(-1)?.reasons[0]?.path;
    expect(path?.[0]).toBe('n/00000');
    expect(path?.[1]).toBe('n/09969');
    expect(path?.at(-1)).toBe('n/09999');
    expect(path).toHaveLength(32);
    expect(made.actions[31]?.reasons[0]?.path).toEqual(nodes.slice(0, 32).map((node) => node.id));
    expect(made.actions[32]?.reasons[0]?.path).toEqual(['n/00000', ...nodes.slice(2, 33).map((node) => node.id)]);
  });

  it('names eight origins of a change, in the order of parents', () => {
    const tools = Array.from({ length: 12 }, (_, at) => `tool/${String(at).padStart(2, '0')}`);
    const scene = new Scene(
      ...tools.map((tool) => image(tool)),
      image('env', tools),
      publication('pub', 'env'),
    ).built();
    for (const tool of tools) scene.change(tool, { text: '2' });
    const reasons = new Map(
      scene.planned().plan.actions.map((action) => [action.node, action.reasons.map(({ path }) => path[0])]),
    );
    expect(reasons.get(id('env'))).toEqual(tools.slice(0, 8));
    expect(reasons.get(id('pub'))).toEqual(tools.slice(0, 8));
  });

  it('names an origin once, however many ways lead to it', () => {
    const scene = new Scene(image('root'), image('a', ['root']), image('b', ['root']), image('c', ['b', 'a'])).built();
    scene.change('root', { text: '2' });
    expect(scene.lines().at(-1)).toBe('build c if a, b: PARENT_MAY_CHANGE root > b > c');
  });
});
