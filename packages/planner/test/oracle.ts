/**
 * A brute-force oracle for plans: carries out, by the plainest reading of docs/architecture.md, what a world needs when each build comes out as it was
 * or different. Knows nothing of outlooks, conditions and work lists.
 */
import type { Digest, Effort, Image, Location, Node, NodeId } from '@rebake/sdk';
import { buildGraph, isDelegated, judge, keyOf } from '../src/index.ts';
import { digest, inEngine, inRegistry, type Scene } from './scene.ts';

/** What one run did to a node. */
export interface Done {
  readonly effort: Effort;
  readonly identity: Digest;
  /** Where it was before the run; null: it was built in the run, and is where it has to be. */
  readonly at: readonly Location[] | null;
  /** It came out with another identity than its entry has. */
  readonly changed: boolean;
  /** It was built because somebody needed it. */
  readonly wasMissing: boolean;
  /** Nobody but who made it knows where it is: enough for what is made elsewhere from it. */
  readonly onTrust: boolean;
}

export type Run = ReadonlyMap<NodeId, Done>;
type Demands = Map<NodeId, 'fetch' | 'build'>;

/** Runs a scene. `different`: images that, if they are built, come out with a new identity. */
export function simulate(scene: Scene, forced: ReadonlySet<NodeId>, different: ReadonlySet<NodeId>): Run {
  const { order } = buildGraph(scene.nodes);
  const demands: Demands = new Map();
  for (;;) {
    const run = pass(scene, order, forced, different, demands);
    if (!demandMore(scene, run, demands)) return run;
  }
}

function pass(
  scene: Scene,
  order: readonly Node[],
  forced: ReadonlySet<NodeId>,
  different: ReadonlySet<NodeId>,
  demands: Demands,
): Run {
  const run = new Map<NodeId, Done>();
  for (const node of order) {
    const entry = scene.entries.get(node.id);
    const parents = new Map(node.parents.map((parent) => [parent, run.get(parent)!.identity]));
    const contents = node.role === 'image' ? scene.capabilities(node.builder).contents : '';
    const fresh =
      judge(node, entry, contents, parents, (id) => scene.node(id).role).length === 0 && !forced.has(node.id);
    const seen = scene.outputs.get(node.id);
    const shown = seen?.seen === 'yes' ? seen.value : null;
    const demand = demands.get(node.id);
    const did = (effort: Effort, identity: Digest, at: readonly Location[] | null, onTrust = false): void => {
      const wasMissing = effort === 'build' && demand === 'build';
      run.set(node.id, { effort, identity, at, wasMissing, onTrust, changed: entry?.output.identity !== identity });
    };
    switch (node.role) {
      case 'external':
        did(fresh && shown!.identity === entry!.output.identity ? 'keep' : 'adopt', shown!.identity, shown!.at);
        break;
      case 'image': {
        const candidate = scene.candidates.get(node.id);
        const adoptable = !forced.has(node.id) && candidate?.key === keyOf(node, contents, [...parents.values()]);
        if (demand === 'build' || (!fresh && !adoptable)) {
          const same = entry?.output.identity ?? scene.identity(node.id);
          did('build', different.has(node.id) ? digest(`different ${node.id}`) : same, null);
        } else if (fresh) {
          const at = shown?.identity === entry!.output.identity ? shown.at : [];
          did(demand ?? 'keep', entry!.output.identity, at, entry!.output.at.length === 0);
        } else {
          const { output, claim } = candidate!;
          did(demand ?? 'adopt', output.identity, output.at, claim !== undefined);
        }
        break;
      }
      case 'publication': {
        const image = parents.get(node.parents[0]!)!;
        if (shown?.identity !== image || forced.has(node.id)) did('publish', image, null);
        else did(fresh ? 'keep' : 'adopt', image, shown.at);
        break;
      }
      default:
        node satisfies never;
    }
  }
  return run;
}

/** Adds what those that ran need somewhere. Returns whether anything was added. */
function demandMore(scene: Scene, run: Run, demands: Demands): boolean {
  let more = false;
  for (const node of scene.nodes) {
    const { effort } = run.get(node.id)!;
    if (effort !== 'build' && effort !== 'publish') continue;
    const image = node.parents
      .map((parent) => scene.node(parent))
      .find((parent): parent is Image => parent.role === 'image');
    const at = image === undefined ? null : run.get(image.id)!.at;
    if (image === undefined || at === null) continue;
    if (node.role === 'image' && isDelegated(node) && run.get(image.id)!.onTrust) continue;
    const need = needed(scene, node, image, at);
    if (need === null || demands.get(image.id) === need) continue;
    demands.set(image.id, need);
    more = true;
  }
  return more;
}

function needed(scene: Scene, node: Node, image: Image, at: readonly Location[]): 'fetch' | 'build' | null {
  const registry = at.some((place) => 'registry' in place);
  if (node.role === 'publication' && node.registry !== null && registry) return null;
  const { engine } = scene.capabilities(node.role === 'image' ? node.builder : image.builder);
  if (at.some((place) => 'engine' in place && place.engine === engine)) return null;
  return registry ? 'fetch' : 'build';
}

/** The scene after a run in which everything succeeded: entries written, outputs where they were brought. */
export function afterwards(scene: Scene, run: Run): Scene {
  const after = scene.copy();
  after.candidates.clear();
  for (const node of buildGraph(scene.nodes).order) {
    const { effort, identity, at } = run.get(node.id)!;
    if (effort === 'keep') continue;
    const engine = node.role === 'image' ? scene.capabilities(node.builder).engine : 'none';
    const engines =
      effort === 'fetch'
        ? [...new Set([...scene.builders.values()].flatMap((seen) => (seen.seen === 'yes' ? seen.value.engine : [])))]
        : [engine];
    const places = [...(at ?? [inRegistry(node.id)]), ...engines.map((name) => inEngine(node.id, name))];
    after.enter(node.id, identity);
    after.outputs.set(node.id, { seen: 'yes', value: { identity, at: places } });
  }
  return after;
}
