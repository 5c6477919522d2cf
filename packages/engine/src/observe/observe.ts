/** `observe`: the world as a plan needs it, with no more questions than that takes. */
import { buildGraph } from '@rebake/planner';
import type { Graph } from '@rebake/planner';
import { candidateTag } from '@rebake/sdk';
import type {
  BuildError,
  Candidate,
  Claims,
  Image,
  Node,
  NodeId,
  Output,
  Publication,
  RegistryClient,
  Seen,
  State,
  Store,
  World,
} from '@rebake/sdk';
import { Builders } from '../run/builders.ts';
import type { BuilderPool } from '../run/builders.ts';
import type { CtxFactory } from '../run/ctx.ts';
import { openEyes, unknown } from './eyes.ts';
import type { Eyes } from './eyes.ts';
import { Known } from './known.ts';
import { Lookout, publicationsByImage } from './lookout.ts';
import { lookAround } from './outlook.ts';
import type { Outlook } from './outlook.ts';
import { trust } from './trust.ts';

/** What observing takes. */
export interface ObserveInput {
  readonly nodes: readonly Node[];
  readonly state: State;
  readonly builders: BuilderPool;
  readonly registry: RegistryClient;
  readonly ctx: CtxFactory;
  /** `none`: believe the state and ask nobody (`--refresh=false`). */
  readonly refresh: 'all' | 'none';
  readonly signal: AbortSignal;
  /** What builders said is remembered here, for plans that ask nobody. */
  readonly memory: Pick<Store, 'capabilities' | 'remember'>;
  /** Nodes that will be forced: what they are built from is looked at. */
  readonly force?: readonly NodeId[];
  /** What somebody else has made; absent: nothing is asked. Never asked without a refresh. */
  readonly claims?: Claims | undefined;
  /** Questions at once. Default 32. */
  readonly concurrency?: number;
}

const DEFAULT_CONCURRENCY = 32;

/**
 * Looks at externals, tags, candidates of what is not fresh, and at those images whose presence a plan may ask for; images that nothing is
 * going to be built on are not looked at. Never fails for what does not answer: that is an unknown, with the words of who was asked.
 */
export async function observe(input: ObserveInput): Promise<World> {
  const { nodes, state, memory, registry, signal } = input;
  const graph = buildGraph(nodes);
  if (input.refresh === 'none') return trust(graph, state, await memory.capabilities());
  const publications = publicationsByImage(graph.order);
  const known = new Known(state.entries);
  const builders = new Builders(input.builders, input.ctx);
  const concurrency = input.concurrency ?? DEFAULT_CONCURRENCY;
  const lookout = new Lookout({ builders, registry, signal, concurrency, silent: 'ask once' });
  const eyes = openEyes(lookout, known);
  const forced = new Set(input.force);
  const outlooks = await lookAround({ graph, state, eyes, forced, publications, claims: input.claims });
  const tags = await Promise.all(
    graph.order.flatMap((node) =>
      node.role === 'publication' ? [lookAtPublication(node, graph, state, eyes, outlooks)] : [],
    ),
  );

  const outputs = new Map<NodeId, Seen<Output>>();
  const movedTags = new Map<NodeId, string>();
  const candidates = new Map<NodeId, Candidate>();
  const untold = new Map<NodeId, BuildError>();
  for (const [id, { verdict, key, seen, claim, untold: why }] of outlooks) {
    if (why) untold.set(id, why);
    if (verdict === 'adopt' && key !== null && seen?.seen === 'yes')
      candidates.set(id, { key, output: seen.value, ...(claim === undefined ? {} : { claim }) });
    else if (seen) outputs.set(id, seen);
  }
  for (const { node, seen, moved } of tags) {
    outputs.set(node.id, seen);
    if (moved !== null) movedTags.set(node.id, moved);
  }
  const look = (image: Image, entry: Output): Promise<Seen<Output>> => eyes.image(image, known.places(entry.identity));
  await lookAtDemanded({ graph, state, outlooks, outputs, candidates, forced, look });
  const probed = await probeAll(graph, lookout, memory);
  return { outputs, candidates, untold, builders: probed, movedTags, refreshed: true };
}

/** What the builders in use can do; remembered for plans that ask nobody. */
async function probeAll(graph: Graph, lookout: Lookout, memory: ObserveInput['memory']): Promise<World['builders']> {
  const used = new Set(graph.order.flatMap((node) => (node.role === 'image' ? [node.builder] : [])));
  const seen = new Map(
    await Promise.all([...used].map(async (name) => [name, await lookout.capabilities(name)] as const)),
  );
  for (const [name, answer] of seen) if (answer.seen === 'yes') await memory.remember(name, answer.value);
  return seen;
}

interface TagsSeen {
  readonly node: Publication;
  readonly seen: Seen<Output>;
  /** The first tag that shows another image, where there is one. */
  readonly moved: string | null;
}

/** One observation of all tags: the image, if all show the same; else the first other one, and under which tag. */
async function lookAtPublication(
  node: Publication,
  graph: Graph,
  state: State,
  eyes: Eyes,
  outlooks: ReadonlyMap<NodeId, Outlook>,
): Promise<TagsSeen> {
  const [imageId] = node.parents;
  const image = imageId === undefined ? undefined : graph.order[graph.rank.get(imageId) ?? -1];
  const outlook = imageId === undefined ? undefined : outlooks.get(imageId);
  if (image?.role !== 'image' || !outlook) throw new Error(`${node.id} publishes no image`);
  if (node.tags.length === 0)
    return { node, seen: await lookAtCandidate(node, image, outlook, state, eyes), moved: null };
  const tags = [...(await eyes.tags(node, image))];
  const hidden = tags.find(([, seen]) => seen.seen === 'unknown') ?? tags.find(([, seen]) => seen.seen === 'no');
  if (hidden) return { node, seen: hidden[1], moved: null };
  const shown = tags.flatMap(([tag, seen]) => (seen.seen === 'yes' ? [{ tag, output: seen.value }] : []));
  // Tags that show different images must never pass for the one that is wanted.
  const other = shown.find(({ output }) => output.identity !== outlook.expected) ?? shown[0];
  if (!other) throw new Error(`${node.id} has no tags`);
  const before = state.entries.get(node.id)?.output.identity;
  const moved = shown.find(({ output }) => output.identity !== before);
  return { node, seen: { seen: 'yes', value: other.output }, moved: before !== undefined && moved ? moved.tag : null };
}

/** Without tags, the candidate has to be there: where the entry says, or under its key. */
async function lookAtCandidate(
  node: Publication,
  image: Image,
  outlook: Outlook,
  state: State,
  eyes: Eyes,
): Promise<Seen<Output>> {
  const entry = state.entries.get(node.id);
  if (entry && entry.output.identity === outlook.expected) {
    const seen = await eyes.image(image, entry.output);
    if (seen.seen !== 'no') return seen;
  }
  if (outlook.key === null) return { seen: 'no' };
  const { id, registry, repository } = node;
  const [tag] = (await eyes.tags({ id, registry, repository, tags: [candidateTag(outlook.key)] }, image)).values();
  return tag ?? { seen: 'no' };
}

interface Demanded {
  readonly graph: Graph;
  readonly state: State;
  readonly outlooks: ReadonlyMap<NodeId, Outlook>;
  /** Completed in place. */
  readonly outputs: Map<NodeId, Seen<Output>>;
  readonly candidates: World['candidates'];
  readonly forced: ReadonlySet<NodeId>;
  readonly look: (image: Image, entry: Output) => Promise<Seen<Output>>;
}

/**
 * Looks at images in waves: those that something which may run rests on; then, where one of them is gone and may be built again, what that and
 * its other children rest on, and so on. Kept images that nobody asked about are unknown, which is nothing as long as nobody demands them.
 */
async function lookAtDemanded({ graph, state, outlooks, outputs, candidates, forced, look }: Demanded): Promise<void> {
  const running = new Set<number>();
  const next: number[] = [];
  const run = (rank: number): void => {
    const pending = [rank];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (running.has(at)) continue;
      running.add(at);
      next.push(at);
      pending.push(...(graph.children[at] ?? []));
    }
  };
  for (const [rank, node] of graph.order.entries()) {
    if (node.role === 'image' ? outlooks.get(node.id)?.open : node.role === 'publication' && mayPublish(node))
      run(rank);
  }
  const asked = new Set<NodeId>();
  while (next.length > 0) {
    const gone: Image[] = [];
    const wave = next.splice(0).flatMap((rank) => {
      const parent = graph.parents[rank]?.map((at) => graph.order[at]).find((node) => node?.role === 'image');
      const entry = parent && state.entries.get(parent.id);
      const verdict = parent && outlooks.get(parent.id)?.verdict;
      if (parent?.role !== 'image' || asked.has(parent.id) || verdict === 'do') return [];
      asked.add(parent.id);
      if (verdict === 'keep') return entry ? [{ parent, entry }] : [];
      // A candidate was seen already, or is known to be nowhere.
      if (candidates.get(parent.id)?.output.at.length === 0) gone.push(parent);
      return [];
    });
    const answers = await Promise.all(
      wave.map(async ({ parent, entry }) => ({ parent, seen: await look(parent, entry.output) })),
    );
    for (const { parent, seen } of answers) {
      outputs.set(parent.id, seen);
      if (seen.seen === 'no') gone.push(parent);
    }
    for (const image of gone) run(graph.rank.get(image.id) ?? -1);
  }
  for (const node of graph.order) {
    if (node.role === 'image' && !outputs.has(node.id) && outlooks.get(node.id)?.verdict === 'keep') {
      outputs.set(node.id, unknown('NOT_OBSERVED', `${node.id} was not looked at, because nothing seemed to need it`));
    }
  }

  function mayPublish(node: Publication): boolean {
    const seen = outputs.get(node.id);
    const [image] = node.parents;
    const expected = image === undefined ? undefined : outlooks.get(image)?.expected;
    return forced.has(node.id) || seen?.seen !== 'yes' || seen.value.identity !== expected;
  }
}
