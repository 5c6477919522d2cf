/** The brute-force judge of a history: what images a declaration stands for, and which builds a world made unavoidable. */
import { keyOf } from '@rebake/planner';
import type { Digest, Entry, Image, Node, NodeId } from '@rebake/sdk';
import { candidateTag, digestOf } from '@rebake/sdk';
import type { Bench } from './bench.ts';

/** The world before an apply, as far as builds depend on it. */
export interface Before {
  readonly entries: ReadonlyMap<NodeId, Entry>;
  readonly names: ReadonlyMap<string, Digest>;
  readonly repositories: ReadonlyMap<
    string,
    { readonly manifests: ReadonlyMap<Digest, Digest>; readonly tags: ReadonlyMap<string, Digest> }
  >;
}

/** Copies what an apply is going to change. */
export function remember(bench: Bench): Before {
  const repositories = [...bench.registry.repositories].map(
    ([name, { manifests, tags }]) => [name, { manifests: new Map(manifests), tags: new Map(tags) }] as const,
  );
  return {
    entries: new Map(bench.store.entries),
    names: new Map(bench.builder.names),
    repositories: new Map(repositories),
  };
}

/**
 * What a node's image is when built from scratch: a digest of its steps and of what it is built from, down to the externals as they are
 * now. Nonces of builders that are not reproducible do not count.
 */
export function scratch(nodes: ReadonlyMap<NodeId, Node>, id: NodeId, externals: (ref: string) => Digest): Digest {
  const node = nodes.get(id);
  if (node?.role === 'external') return externals(node.ref);
  if (node?.role !== 'image') throw new Error(`${id} is no image`);
  return digestOf([node.spec.steps, used(nodes, node).map((parent) => scratch(nodes, parent, externals))]);
}

/** The same digest of an image that exists, from what it was really made of. */
export function contentOf(bench: Bench, identity: Digest): Digest {
  const made = bench.builder.origins.get(identity);
  return made ? digestOf([made.steps, made.parents.map((parent) => contentOf(bench, parent))]) : identity;
}

/** Parents that get into the image: the one that it is built from, and the pinned externals, by reference. */
export function used(nodes: ReadonlyMap<NodeId, Node>, node: Image): readonly NodeId[] {
  const roles = node.parents.map((id) => nodes.get(id));
  const from = roles.find((parent) => parent?.role === 'image');
  const pinned = roles
    .flatMap((parent) => (parent?.role === 'external' ? [parent] : []))
    .toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
  return [...(from ? [from.id] : []), ...pinned.map((parent) => parent.id)];
}

/**
 * Images that have to be built in a world: the least set for which every image is in the ledger or adopted, and everything that is built
 * or published has what it needs. Nothing of the planner or the scheduler is used but the name of a candidate.
 *
 * @param nodes parents first
 * @param after identities that nodes had after the apply: what a build gave, where this says that there has to be one
 */
export function unavoidable(
  nodes: readonly Node[],
  before: Before,
  after: ReadonlyMap<NodeId, Digest>,
  forced: ReadonlySet<NodeId>,
  contents: string,
): ReadonlySet<NodeId> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const missing = new Set<NodeId>();
  for (;;) {
    const built = new Set<NodeId>(missing);
    const demanded = new Map<NodeId, 'engine' | 'anywhere'>();
    const identity = new Map<NodeId, Digest>();
    for (const node of nodes) {
      const entry = before.entries.get(node.id);
      const from = node.parents.find((id) => byId.get(id)?.role === 'image');
      if (node.role === 'external') {
        identity.set(node.id, idOf(after, node.id));
      } else if (node.role === 'image') {
        const parents = node.parents.map((id) => idOf(identity, id));
        const key = keyOf(node, contents, parents);
        const fresh = entry?.key === key && !forced.has(node.id);
        const adoptable = !forced.has(node.id) && hasCandidate(before, nodes, node, key);
        if (!fresh && !adoptable) built.add(node.id);
        if (built.has(node.id) && from) demanded.set(from, 'engine');
        identity.set(node.id, fresh && !built.has(node.id) && entry ? entry.output.identity : idOf(after, node.id));
      } else if (from) {
        const shown = shownBy(before, node);
        const there = shown.every((one) => one === idOf(identity, from));
        if ((!there || forced.has(node.id)) && demanded.get(from) !== 'engine')
          demanded.set(from, node.registry === null ? 'engine' : 'anywhere');
      }
    }
    const next = [...demanded].find(
      ([id]) => !built.has(id) && isFresh(before, id, identity) && !isPresent(before, id),
    );
    if (!next) return built;
    missing.add(next[0]);
  }
}

function idOf(identities: ReadonlyMap<NodeId, Digest>, id: NodeId): Digest {
  const identity = identities.get(id);
  if (!identity) throw new Error(`${id} has no identity`);
  return identity;
}

/** Only an image of the ledger can be absent: a candidate was just found somewhere. */
function isFresh(before: Before, id: NodeId, identity: ReadonlyMap<NodeId, Digest>): boolean {
  return before.entries.get(id)?.output.identity === identity.get(id);
}

function isPresent(before: Before, id: NodeId): boolean {
  const entry = before.entries.get(id);
  return entry !== undefined && isSomewhere(before, entry.output.identity);
}

/** Whether an image is really at one of the places where any entry has put it. */
function isSomewhere(before: Before, identity: Digest): boolean {
  return [...before.entries.values()].some(
    ({ output }) =>
      output.identity === identity &&
      output.at.some((at) =>
        'registry' in at
          ? before.repositories.get(`${at.registry}/${at.repository}`)?.manifests.has(at.manifest)
          : before.names.get(at.name) === identity,
      ),
  );
}

function hasCandidate(before: Before, nodes: readonly Node[], image: Image, key: Digest): boolean {
  const tag = candidateTag(key);
  if (before.names.has(`rebake/candidate:${tag}`)) return true;
  const published = nodes.some(
    (node) =>
      node.role === 'publication' &&
      node.parents[0] === image.id &&
      node.registry !== null &&
      before.repositories.get(`${node.registry}/${node.repository}`)?.tags.has(tag),
  );
  if (published) return true;
  return [...before.entries.values()].some((entry) => entry.key === key && isSomewhere(before, entry.output.identity));
}

function shownBy(before: Before, node: Extract<Node, { role: 'publication' }>): readonly (Digest | null)[] {
  return node.tags.map((tag) => {
    if (node.registry === null) return before.names.get(`${node.repository}:${tag}`) ?? null;
    const repository = before.repositories.get(`${node.registry}/${node.repository}`);
    return repository?.manifests.get(repository.tags.get(tag) ?? 'sha256:') ?? null;
  });
}
