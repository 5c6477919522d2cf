// Graphs, states and worlds made in memory, for the planner alone: the shape of a fleet without its files.
import { digestOfBytes, type Digest } from '@rebake/image';
import { keyOf } from '@rebake/planner';
import type { Capabilities, Entry, Input, Inputs, Node, NodeId, Output, Seen, State, World } from '@rebake/sdk';
import { FAKE_CAPABILITIES } from './fake-builder.ts';

/** All that `plan` takes but the wish. */
export interface Question {
  readonly nodes: readonly Node[];
  readonly state: State;
  readonly world: World;
}

/**
 * `fresh`: nothing to do. `upgrade`: the bases changed, everything on them may follow. `first`: nothing was ever built.
 */
export type Situation = 'fresh' | 'upgrade' | 'first';

/** Keys of an env's ledger, as many as a real one has. */
const ENV_KEYS = [
  'config/env',
  'config/user',
  'config/workdir',
  'interpreter',
  'packages/pandas',
  'packages/numpy',
  'packages/requests',
  'steps',
];

/** A graph of exactly `count` nodes: two bases, and env images with a publication each. */
export function question(count: number, situation: Situation): Question {
  const bases = [
    image('base/python#linux/amd64', [], situation),
    image('base/gpu#linux/amd64', ['base/python#linux/amd64'], situation),
  ];
  const nodes = [...bases];
  for (let index = 0; nodes.length < count; index++) {
    const env = image(`env/python/env-${index}@python#linux/amd64`, [`${bases[index % 2]?.id}`], 'fresh');
    nodes.push(env, publication(index, env.id));
  }
  const declared = nodes.slice(0, count);
  const entries = situation === 'first' ? new Map<NodeId, Entry>() : entriesOf(declared);
  const outputs = new Map<NodeId, Seen<Output>>(
    [...entries].map(([id, { output }]) => [id, { seen: 'yes', value: output }]),
  );
  return {
    nodes: declared,
    state: { lineage: 'bench', entries, failures: new Map() },
    world: {
      outputs,
      candidates: new Map(),
      builders: new Map<string, Seen<Capabilities>>([['default', { seen: 'yes', value: FAKE_CAPABILITIES }]]),
      refreshed: true,
    },
  };
}

const before = 'before';

function image(id: string, parents: readonly string[], situation: Situation): Node {
  const keys = id.startsWith('env/') ? ENV_KEYS : [...ENV_KEYS, 'kit'];
  return {
    role: 'image',
    id: id as NodeId,
    kind: 'image',
    inputs: inputs(id, keys, situation === 'upgrade' ? 'after' : before),
    parents: parents as readonly NodeId[],
    because: [],
    spec: { steps: [], env: {} },
    platform: 'linux/amd64',
    builder: 'default',
  };
}

function publication(index: number, of: NodeId): Node {
  const id = `publication/localhost:5000/cpu/pyenv-env-${index}` as NodeId;
  return {
    role: 'publication',
    id,
    kind: 'publication',
    inputs: inputs(id, ['registry', 'repository', 'tags'], before),
    parents: [of],
    because: [],
    registry: 'localhost:5000',
    repository: `cpu/pyenv-env-${index}`,
    tags: ['dss-14.1.2'],
  };
}

function inputs(id: string, keys: readonly string[], kit: string): Inputs {
  return Object.fromEntries(
    keys.map((key): [string, Input] => [key, { digest: digestOfBytes(`${id} ${key} ${key === 'kit' ? kit : ''}`) }]),
  );
}

/** What a state would hold if all of this had been applied before the change of the situation. */
function entriesOf(nodes: readonly Node[]): Map<NodeId, Entry> {
  const entries = new Map<NodeId, Entry>();
  for (const node of nodes) {
    const then: Node =
      'kit' in node.inputs ? { ...node, inputs: inputs(node.id, Object.keys(node.inputs), before) } : node;
    const parents = Object.fromEntries(node.parents.map((id) => [id, identityOf(entries, id)])) as Record<
      NodeId,
      Digest
    >;
    const contents = node.role === 'image' ? FAKE_CAPABILITIES.contents : '';
    const key = node.role === 'image' ? keyOf(then, contents, Object.values(parents)) : null;
    const identity = key === null ? identityOf(entries, node.parents[0]) : digestOfBytes(key);
    entries.set(node.id, {
      version: 1,
      inputs: then.inputs,
      contents,
      parents,
      output: { identity, at: [{ engine: FAKE_CAPABILITIES.engine, name: `rebake/candidate:${node.id.length}` }] },
      key,
      at: '2024-01-01T00:00:00.000Z',
      run: 'bench',
      plan: digestOfBytes('plan'),
    });
  }
  return entries;
}

function identityOf(entries: ReadonlyMap<NodeId, Entry>, id: NodeId | undefined): Digest {
  const entry = id === undefined ? undefined : entries.get(id);
  if (entry === undefined) throw new Error(`${id} comes after its children`);
  return entry.output.identity;
}
