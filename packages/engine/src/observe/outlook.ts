/** What each node is going to be, as far as looking can tell: parents first, all at once, each node as soon as its parents are known. */
import { judge, keyOf } from '@rebake/planner';
import type { Graph, RoleOf } from '@rebake/planner';
import { BuildFailure } from '@rebake/sdk';
import type {
  BuildError,
  Capabilities,
  Claim,
  ClaimNote,
  Claims,
  Digest,
  Entry,
  Image,
  Node,
  NodeId,
  Output,
  Publication,
  Seen,
  State,
} from '@rebake/sdk';
import type { Eyes } from './eyes.ts';

/** What was found out about one node. */
export interface Outlook {
  /** Identity that it has if nothing above it changes; null: not known. */
  readonly expected: Digest | null;
  /** Whether it may come out with another identity than `expected`. */
  readonly open: boolean;
  /** `keep`: its entry describes it; `adopt`: a candidate does; `do`: it has to be made. */
  readonly verdict: 'keep' | 'adopt' | 'do';
  /** Key under which it was looked for, or that its entry has. */
  readonly key: Digest | null;
  /** What was seen of it; null: not looked at. */
  readonly seen: Seen<Output> | null;
  /** What is said of it, where it is adopted because of that. */
  readonly claim?: ClaimNote;
  /** Why nobody could tell whether somebody else has made it. */
  readonly untold?: BuildError;
}

/** What outlooks are made from. */
export interface Scene {
  readonly graph: Graph;
  readonly state: State;
  readonly eyes: Eyes;
  readonly forced: ReadonlySet<NodeId>;
  readonly publications: ReadonlyMap<NodeId, readonly Publication[]>;
  readonly claims: Claims | undefined;
}

/** Looks at externals and for candidates. Publications have no outlook: they follow their image. */
export async function lookAround(scene: Scene): Promise<ReadonlyMap<NodeId, Outlook>> {
  const { graph } = scene;
  const outlooks = new Map<NodeId, Promise<Outlook>>();
  for (const [rank, node] of graph.order.entries()) {
    if (node.role === 'publication') continue;
    const parents = node.parents.map((id) => {
      const outlook = outlooks.get(id);
      if (!outlook) throw new Error(`${id} comes after ${node.id}`);
      return outlook;
    });
    const outlook =
      node.role === 'external'
        ? external(scene, node, rank)
        : Promise.all(parents).then((known) => image(scene, node, known));
    outlooks.set(node.id, outlook);
  }
  const found = new Map<NodeId, Outlook>();
  for (const [id, outlook] of await Promise.all(
    [...outlooks].map(async ([id, promise]) => [id, await promise] as const),
  )) {
    found.set(id, outlook);
  }
  return found;
}

async function external(
  { graph, eyes }: Scene,
  node: Extract<Node, { role: 'external' }>,
  rank: number,
): Promise<Outlook> {
  const user = graph.children[rank]?.map((child) => graph.order[child]).find((child) => child?.role === 'image');
  const seen = await eyes.external(node, user?.role === 'image' ? user.builder : null);
  const expected = seen.seen === 'yes' ? seen.value.identity : null;
  return { expected, open: expected === null, verdict: 'keep', key: null, seen };
}

async function image(scene: Scene, node: Image, parents: readonly Outlook[]): Promise<Outlook> {
  const { state, eyes, publications } = scene;
  const entry = state.entries.get(node.id);
  const capabilities = await eyes.capabilities(node.builder);
  const contents = contentsOf(capabilities, entry);
  const open = parents.some((parent) => parent.open);
  const identities = new Map<NodeId, Digest>();
  for (const [place, parent] of parents.entries()) {
    const id = node.parents[place];
    if (id !== undefined && parent.expected !== null) identities.set(id, parent.expected);
  }
  const expected = entry?.output.identity ?? null;
  if (scene.forced.has(node.id)) return { expected, open: true, verdict: 'do', key: null, seen: null };
  if (entry && judge(node, entry, contents ?? '', identities, roleOf(scene.graph)).length === 0) {
    return { expected, open, verdict: 'keep', key: entry.key, seen: null };
  }
  if (open || contents === null || capabilities.seen !== 'yes')
    return { expected, open: true, verdict: 'do', key: null, seen: null };
  const key = keyOf(
    node,
    contents,
    parents.flatMap((parent) => parent.expected ?? []),
  );
  const candidate = await eyes.candidate(node, key, publications.get(node.id) ?? []);
  if (candidate) {
    return {
      expected: candidate.identity,
      open: false,
      verdict: 'adopt',
      key,
      seen: { seen: 'yes', value: candidate },
    };
  }
  const none = { expected, open: true, verdict: 'do', key, seen: null } as const;
  if (entry || !scene.claims) return none;
  const claim = await ask(scene.claims, node, identities);
  if (claim === null) return none;
  if ('untold' in claim) return { ...none, untold: claim.untold };
  const { output, note, unverified } = claim;
  const seen = { seen: 'yes', value: output } as const;
  return { expected: output.identity, open: false, verdict: 'adopt', key, seen, claim: { note, unverified } };
}

/** A question that fails is no answer: what is not told here is said of the node. */
async function ask(
  claims: Claims,
  node: Image,
  parents: ReadonlyMap<NodeId, Digest>,
): Promise<Claim | { readonly untold: BuildError } | null> {
  try {
    return await claims(node, parents);
  } catch (error) {
    if (error instanceof BuildFailure) return { untold: error.error };
    throw error;
  }
}

/** Where the builder does not answer, the entry's class stands in: nothing gets stale by an engine that is down. */
function contentsOf(seen: Seen<Capabilities>, entry: Entry | undefined): string | null {
  return seen.seen === 'yes' ? seen.value.contents : (entry?.contents ?? null);
}

/** Roles by id, as the ledger wants them. */
export function roleOf(graph: Graph): RoleOf {
  return (id) => graph.order[graph.rank.get(id) ?? -1]?.role;
}
