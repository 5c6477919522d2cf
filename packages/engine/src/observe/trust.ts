/** The world as the state remembers it (`--refresh=false`): nobody is asked, nothing is awaited. The hot path of a plan with nothing to do. */
import { judge, keyOf } from '@rebake/planner';
import type { Graph } from '@rebake/planner';
import type { Capabilities, Digest, Image, NodeId, Output, Seen, State, World } from '@rebake/sdk';
import { unknown } from './eyes.ts';
import { Known } from './known.ts';
import { roleOf } from './outlook.ts';

/** Makes a world of a state. What was never seen is unknown, with what to do about it. */
export function trust(graph: Graph, state: State, remembered: ReadonlyMap<string, Capabilities>): World {
  const known = new Known(state.entries);
  const outputs = new Map<NodeId, Seen<Output>>();
  const candidates = new Map<NodeId, { key: Digest; output: Output }>();
  const builders = new Map<string, Seen<Capabilities>>();
  const expected = new Map<NodeId, Digest>();
  const role = roleOf(graph);
  for (const node of graph.order) {
    const entry = state.entries.get(node.id);
    if (node.role === 'image') {
      const capabilities = builder(builders, remembered, node.builder);
      if (entry && judge(node, entry, capabilities?.contents ?? entry.contents, expected, role).length === 0) {
        outputs.set(node.id, { seen: 'yes', value: known.places(entry.output.identity) });
        expected.set(node.id, entry.output.identity);
        continue;
      }
      const candidate = capabilities && candidateOf(node, capabilities.contents, expected, known);
      if (candidate) candidates.set(node.id, candidate);
      const identity = candidate?.output.identity ?? entry?.output.identity;
      if (identity !== undefined) expected.set(node.id, identity);
    } else if (entry) {
      outputs.set(node.id, { seen: 'yes', value: entry.output });
      expected.set(node.id, entry.output.identity);
    } else if (node.role === 'publication') {
      outputs.set(node.id, { seen: 'no' });
    } else {
      outputs.set(node.id, unknown('NOT_OBSERVED', `${node.ref} was never looked at: plan once with refresh`));
    }
  }
  return { outputs, candidates, builders, refreshed: false };
}

function builder(
  builders: Map<string, Seen<Capabilities>>,
  remembered: ReadonlyMap<string, Capabilities>,
  name: string,
): Capabilities | undefined {
  const value = remembered.get(name);
  if (!builders.has(name)) {
    const seen = value
      ? { seen: 'yes' as const, value }
      : unknown('NOT_OBSERVED', `builder ${name} was never asked: plan once with refresh`);
    builders.set(name, seen);
  }
  return value;
}

/** The planner takes it only where no parent may change; here it is enough that it fits what they are now. */
function candidateOf(
  node: Image,
  contents: string,
  expected: ReadonlyMap<NodeId, Digest>,
  known: Known,
): { key: Digest; output: Output } | undefined {
  const identities = node.parents.flatMap((parent) => expected.get(parent) ?? []);
  if (identities.length < node.parents.length) return undefined;
  const key = keyOf(node, contents, identities);
  // As for real candidates: the image's own identity goes before others under the same key.
  const entry = known.entries.get(node.id);
  const output = entry?.key === key ? known.places(entry.output.identity) : known.underKey(key)[0];
  return output && { key, output };
}
